"""Means, intervals and comparisons of renderers: the only place where they are computed."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .resampling import (
    QUANTILE_RESAMPLES,
    RESAMPLES,
    Floats,
    Interval,
    Members,
    expanded_interval,
    number_clusters,
    resample_means,
    resample_quartile_widths,
)

LEAST_CLUSTERS = 6
"""Below this many independent units an interval is reported with a warning."""


@dataclass(frozen=True, kw_only=True)
class RendererScore:
    """One renderer's mean over the compared scenes, and its difference to the best renderer's on the same scenes.

    ``interval`` and ``difference_interval`` are None where there are fewer than two clusters; the best renderer has no
    ``difference_interval``. Whether the two differ is for ``significance.compare_pairs`` to say: the intervals are of
    one number each, and are not corrected for how many are looked at.
    """

    renderer: str
    mean: float
    interval: Interval | None
    difference: float
    difference_interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Renderers on the scenes that all of them have a score on, best first; ``best`` is None without any such scene.

    ``dropped_scenes`` counts the scenes that some renderer, but not all, lacks a score on; ``unscored`` names the
    renderers without any score, which are left out; ``warning`` is one sentence for the report, or None.
    """

    scores: tuple[RendererScore, ...]
    scenes: int
    clusters: int
    dropped_scenes: int
    unscored: tuple[str, ...]
    warning: str | None

    @property
    def best(self) -> str | None:
        """The renderer with the best mean."""
        return self.scores[0].renderer if self.scores else None


def rank_renderers(
    scores: pd.DataFrame,
    clusters: Mapping[Hashable, Hashable] | pd.Series,
    higher_is_better: bool,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Ranking:
    """Rank renderers by their mean over the same scenes, with 95 % intervals.

    ``scores``: one row a scene, one column a renderer, NaN where there is no score. ``clusters``: the independent unit
    of each scene (index of ``scores``), for instance the photograph that several scenes come from.

    Only scenes that every renderer was scored on count: whoever fails on hard scenes must not gain from it. Each
    resample draws clusters with replacement and takes all scenes of a drawn cluster; all renderers see the same draws,
    so what makes a scene hard for everyone cancels in the differences. A mean is over scenes: larger clusters weigh
    more. The same seed and scores give the same intervals.

    The best renderer is chosen from the same scores, so a difference to it is, if anything, a little too large.
    Source of the intervals: see ``resampling.expanded_interval``.
    """
    unscored = tuple(str(name) for name in scores.columns[scores.isna().all(axis=0)])
    candidates = scores.drop(columns=list(unscored))
    compared = candidates.dropna(axis=0, how="any")
    partly_scored = int(candidates.notna().any(axis=1).sum()) - len(compared)
    if compared.empty:
        return Ranking(
            scores=(), scenes=0, clusters=0, dropped_scenes=partly_scored, unscored=unscored,
            warning="no scene was scored for every renderer",
        )  # fmt: skip
    members, count = number_clusters(compared.index, clusters)
    values = compared.to_numpy(dtype=np.float64)
    ordered = _rank(compared.columns, values, members, higher_is_better, resamples, seed)
    return Ranking(
        scores=ordered,
        scenes=len(compared),
        clusters=count,
        dropped_scenes=partly_scored,
        unscored=unscored,
        warning=warn_of_few(count),
    )


def _rank(
    names: pd.Index, values: Floats, members: Members, higher_is_better: bool, resamples: int, seed: int
) -> tuple[RendererScore, ...]:
    """Score each column of ``values`` (scenes, renderers), best first. Equal means keep their order."""
    means = values.mean(axis=0)
    order = np.argsort(-means if higher_is_better else means, kind="stable")
    best = order[0]
    clusters = int(members.max()) + 1
    differences = values - values[:, [best]]  # before resampling, so that equal scores differ by exactly 0
    resampled = resample_means(np.hstack([values, differences]), members, resamples, seed)
    mean_samples, difference_samples = np.hsplit(resampled, 2)
    return tuple(
        RendererScore(
            renderer=str(names[column]),
            mean=float(means[column]),
            interval=expanded_interval(mean_samples[:, column], clusters),
            difference=float(means[column] - means[best]),
            difference_interval=None if column == best else expanded_interval(difference_samples[:, column], clusters),
        )
        for column in order
    )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval, which is None below two clusters."""

    value: float
    interval: Interval | None


def estimate_quartile_width(
    scores: pd.DataFrame,
    clusters: Mapping[Hashable, Hashable] | pd.Series,
    *,
    seed: int = 0,
    resamples: int = QUANTILE_RESAMPLES,
) -> Estimate:
    """Return how far apart the quartiles of the scenes are, averaged over the columns of ``scores`` (scenes x columns).

    Without missing values. Resampled quartiles are coarse where scenes are few: the interval is rough below about 20.
    """
    values = scores.to_numpy(dtype=np.float64)
    members, count = number_clusters(scores.index, clusters)
    low, high = np.quantile(values, [0.25, 0.75], axis=0)
    resampled = resample_quartile_widths(values, members, resamples, seed).mean(axis=1)
    return Estimate(value=float((high - low).mean()), interval=expanded_interval(resampled, count))


def warn_of_few(clusters: int) -> str | None:
    """Return a sentence where intervals are rough or absent."""
    if clusters >= LEAST_CLUSTERS:
        return None
    if clusters == 1:
        return "one independent scene: no interval can be given"
    return f"only {clusters} independent scenes: the intervals are rough"
