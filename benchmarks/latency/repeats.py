"""How often a measurement is repeated, and what is said of the repeats.

The rule: at least ``least`` repeats, then on until the 95 % interval of the median is narrower than ``narrow`` of the
median, at most ``most`` repeats or about ``seconds`` in all. Which of the three ended it is recorded. Where ``fewest``
repeats have taken ``patience`` seconds, these are enough.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")

NARROW, LONG, MANY = "interval narrow", "time used up", "most repeats"


@dataclass(frozen=True, kw_only=True)
class RepeatRule:
    """When to stop; ``narrow`` is the full width of the interval as a part of the median.

    Fewer than six repeats have no 95 % interval of the median.
    """

    least: int = 6
    most: int = 100
    narrow: float = 0.05
    seconds: float = 3.0
    fewest: int = 6
    patience: float = 20.0

    def verdict(self, values: Sequence[float]) -> str | None:
        """Return why to stop after these repeats (seconds each); None to go on."""
        if len(values) < self.least:
            return LONG if len(values) >= self.fewest and sum(values) >= self.patience else None
        interval = median_interval(values)
        if interval and interval[1] - interval[0] <= self.narrow * float(np.median(values)):
            return NARROW
        if len(values) >= self.most:
            return MANY
        return LONG if sum(values) >= self.seconds else None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Seconds over repeats: median with its 95 % interval (None below six repeats), quartiles, 95th percentile."""

    median: float
    interval: tuple[float, float] | None
    q25: float
    q75: float
    p95: float
    repeats: int


def repeat_until_narrow(
    once: Callable[[], T], seconds_of: Callable[[T], float], rule: RepeatRule
) -> tuple[list[T], str]:
    """Call ``once`` until the rule says stop. Returns what each call gave, and why it ended."""
    results: list[T] = []
    while True:
        results.append(once())
        verdict = rule.verdict([seconds_of(result) for result in results])
        if verdict:
            return results, verdict


def describe_spread(values: Sequence[float]) -> Spread:
    """Sum up repeats; quantiles are interpolated linearly between the ordered values."""
    q25, median, q75, p95 = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75, 0.95]))
    return Spread(median=median, interval=median_interval(values), q25=q25, q75=q75, p95=p95, repeats=len(values))


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return an interval that holds the true median with at least 95 %, whatever the distribution.

    None below six values. Source: order statistics and the binomial distribution (the interval of the sign test).
    """
    from scipy import stats  # here: it costs half a second, and a run whose report shows latencies needs none of it

    interval = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    return None if math.isnan(interval.low) else (float(interval.low), float(interval.high))
