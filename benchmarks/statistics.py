"""Means, intervals and comparisons of renderers: the only place where they are computed."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10_000
RESAMPLES_AT_ONCE = 1_000
LEAST_CLUSTERS = 6
"""Below this many independent units an interval is reported with a warning."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class RendererScore:
    """One renderer's mean over the compared scenes, and its difference to the best renderer's on the same scenes.

    ``interval`` and ``difference_interval`` are None where there are fewer than two clusters; the best renderer has no
    ``difference_interval``. ``distinguishable`` is True where ``difference_interval`` excludes 0.
    """

    renderer: str
    mean: float
    interval: Interval | None
    difference: float
    difference_interval: Interval | None

    @property
    def distinguishable(self) -> bool:
        """Whether the scenes suffice to tell this renderer from the best one."""
        return self.difference_interval is not None and 0.0 not in self.difference_interval


@dataclass(frozen=True, kw_only=True)
class Comparison:
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


def compare_renderers(
    scores: pd.DataFrame,
    clusters: Mapping[Hashable, Hashable] | pd.Series,
    higher_is_better: bool,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Rank renderers by their mean over the same scenes, with 95 % intervals.

    ``scores``: one row a scene, one column a renderer, NaN where there is no score. ``clusters``: the independent unit
    of each scene (index of ``scores``), for instance the photograph that several scenes come from.

    Only scenes that every renderer was scored on count: whoever fails on hard scenes must not gain from it. Each
    resample draws clusters with replacement and takes all scenes of a drawn cluster; all renderers see the same draws,
    so what makes a scene hard for everyone cancels in the differences. A mean is over scenes: larger clusters weigh
    more. The same seed and scores give the same intervals.

    The intervals are expanded percentile intervals: percentiles of the resampled means, at levels that make up for the
    resampled spread being too small by (n-1)/n and for a normal quantile standing in for Student's, which matters for
    the ten scenes of BLB. ``scipy.stats.bootstrap`` resamples single observations of one statistic; clusters, and draws
    shared by all renderers and differences, would need a statistic that undoes its sampling. Drawing how often each
    cluster comes (a multinomial) turns a resample into a matrix product instead.
    The best renderer is chosen from the same scores, so a difference to it is, if anything, a little too large.
    Source: Hesterberg, "What Teachers Should Know about the Bootstrap", 2015, expanded percentile interval.
    """
    unscored = tuple(str(name) for name in scores.columns[scores.isna().all(axis=0)])
    candidates = scores.drop(columns=list(unscored))
    compared = candidates.dropna(axis=0, how="any")
    partly_scored = int(candidates.notna().any(axis=1).sum()) - len(compared)
    if compared.empty:
        return Comparison(
            scores=(), scenes=0, clusters=0, dropped_scenes=partly_scored, unscored=unscored,
            warning="no scene was scored for every renderer",
        )  # fmt: skip
    members, labels = pd.factorize(pd.Series([clusters[scene] for scene in compared.index]))
    values = compared.to_numpy(dtype=np.float64)
    ordered = _rank(compared.columns, values, members, higher_is_better, resamples, seed)
    return Comparison(
        scores=ordered,
        scenes=len(compared),
        clusters=len(labels),
        dropped_scenes=partly_scored,
        unscored=unscored,
        warning=_warn(len(labels)),
    )


def _rank(
    names: pd.Index, values: Floats, members: NDArray[np.intp], higher_is_better: bool, resamples: int, seed: int
) -> tuple[RendererScore, ...]:
    """Score each column of ``values`` (scenes, renderers), best first. Equal means keep their order."""
    means = values.mean(axis=0)
    order = np.argsort(-means if higher_is_better else means, kind="stable")
    best = order[0]
    clusters = int(members.max()) + 1
    differences = values - values[:, [best]]  # before resampling, so that equal scores differ by exactly 0
    resampled = _resample_means(np.hstack([values, differences]), members, clusters, resamples, seed)
    mean_samples, difference_samples = np.hsplit(resampled, 2)
    return tuple(
        RendererScore(
            renderer=str(names[column]),
            mean=float(means[column]),
            interval=_interval(mean_samples[:, column], clusters),
            difference=float(means[column] - means[best]),
            difference_interval=None if column == best else _interval(difference_samples[:, column], clusters),
        )
        for column in order
    )


def _resample_means(values: Floats, members: NDArray[np.intp], clusters: int, resamples: int, seed: int) -> Floats:
    """Return the columns' means in each resample of clusters: (scenes, columns) -> (resamples, columns)."""
    sums = np.zeros((clusters, values.shape[1]))
    np.add.at(sums, members, values)
    sizes = np.bincount(members, minlength=clusters).astype(np.float64)
    generator = np.random.default_rng(seed)
    blocks = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        count = min(RESAMPLES_AT_ONCE, resamples - start)
        draws = generator.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=count)  # (count, clusters)
        blocks.append((draws @ sums) / (draws @ sizes)[:, None])
    return np.concatenate(blocks)


def _interval(resampled: Floats, clusters: int) -> Interval | None:
    if clusters < 2:
        return None
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    tail = stats.norm.cdf(-reach)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _warn(clusters: int) -> str | None:
    if clusters >= LEAST_CLUSTERS:
        return None
    if clusters == 1:
        return "one independent scene: no interval can be given"
    return f"only {clusters} independent scenes: the intervals are rough"
