"""The cluster bootstrap under every interval: clusters are drawn with replacement, with all that belongs to them.

``scipy.stats.bootstrap`` resamples single observations of one statistic; clusters, and draws shared by all renderers
and differences, would need a statistic that undoes its sampling. Drawing how often each cluster comes (a multinomial)
turns a resample of means into a matrix product instead.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

CONFIDENCE = 0.95
RESAMPLES = 10_000
QUANTILE_RESAMPLES = 2_000
"""Quantiles cost a thousand times more than means, and 2000 resamples place their intervals well enough."""

RESAMPLES_AT_ONCE = 500

Floats = NDArray[np.float64]
Members = NDArray[np.intp]
"""The number of each scene's cluster."""


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def number_clusters(
    scenes: Sequence[Hashable] | pd.Index, clusters: Mapping[Hashable, Hashable] | pd.Series
) -> tuple[Members, int]:
    """Return the number of each scene's cluster, and how many there are."""
    units: dict[Hashable, Hashable] = dict(clusters)
    members, labels = pd.factorize(pd.Series([units[scene] for scene in scenes], dtype=object))
    return members, len(labels)


def resample_means(values: Floats, members: Members, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the columns' means in each resample: (scenes, columns) -> (resamples, columns).

    A mean is over scenes: larger clusters weigh more. All columns see the same draws, so what makes a scene hard for
    everyone cancels in differences.
    """
    clusters = int(members.max()) + 1
    sums = np.zeros((clusters, values.shape[1]))
    np.add.at(sums, members, values)
    sizes = np.bincount(members, minlength=clusters).astype(np.float64)
    draws = _draw(clusters, resamples, seed)
    blocks = [draws[start : start + RESAMPLES_AT_ONCE] for start in range(0, resamples, RESAMPLES_AT_ONCE)]
    return np.concatenate([(block @ sums) / (block @ sizes)[:, None] for block in blocks])


def resample_quartile_widths(values: Floats, members: Members, resamples: int, seed: int = 0) -> Floats:
    """Return the columns' interquartile widths in each resample: (scenes, columns) -> (resamples, columns)."""
    counts = _draw(int(members.max()) + 1, resamples, seed)[:, members]  # how often each scene comes
    widths = [
        _weighted_quantile(column, counts, 0.75) - _weighted_quantile(column, counts, 0.25) for column in values.T
    ]
    return np.stack(widths, axis=1)


def expanded_interval(resampled: Floats, clusters: int) -> Interval | None:
    """Return the 95 % expanded percentile interval; None below two clusters. See ``tail_level``."""
    if clusters < 2:
        return None
    tail = tail_level(clusters)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(low), float(high))


def tail_level(clusters: int) -> float:
    """Return the level, in (0,0.5), of the quantile of resamples that is the lower bound; ``clusters``: two or more.

    It makes up for the resampled spread being too small by (n-1)/n and for a normal quantile standing in for
    Student's, which matters for the ten scenes of BLB.
    Source: Hesterberg, "What Teachers Should Know about the Bootstrap", 2015.
    """
    reach = stdtrit(clusters - 1, (1 + CONFIDENCE) / 2) * np.sqrt(clusters / (clusters - 1))
    return float(ndtr(-reach))


@lru_cache(maxsize=4)
def _draw(clusters: int, resamples: int, seed: int) -> NDArray[np.int32]:
    """Return how often each cluster comes in each resample, (resamples, clusters)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=resamples).astype(np.int32)


def _weighted_quantile(values: Floats, counts: NDArray[np.int32], level: float) -> Floats:
    """Return ``np.quantile`` of each resample, with value i counts[r, i] times: (scenes,) -> (resamples,)."""
    order = np.argsort(values)
    ranked = values[order]
    ends = counts[:, order].cumsum(axis=1)
    position = level * (ends[:, -1] - 1)
    below, above = np.floor(position), np.ceil(position)
    first = ranked[(ends <= below[:, None]).sum(axis=1)]
    second = ranked[(ends <= above[:, None]).sum(axis=1)]
    return first + (position - below) * (second - first)
