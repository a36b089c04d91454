"""Repeats end by the stated rule; quantiles are numpy's; the interval of the median covers as it says."""

import math

import numpy as np
import pytest

from bokehbench.benchmarks.latency.repeats import (
    LONG,
    MANY,
    NARROW,
    RepeatRule,
    describe_spread,
    median_interval,
    repeat_until_narrow,
)


def run(seconds, rule):
    given = iter(seconds)
    return repeat_until_narrow(lambda: next(given), lambda value: value, rule)


def test_equal_times_end_at_the_least():
    results, why = run([0.1] * 100, RepeatRule(least=6, most=40, seconds=100))
    assert (len(results), why) == (6, NARROW)


def test_scattered_times_end_at_the_most():
    results, why = run([0.1, 0.9] * 50, RepeatRule(least=6, most=20, narrow=0.01, seconds=1e9))
    assert (len(results), why) == (20, MANY)


def test_long_calls_end_by_time_but_not_below_the_least():
    results, why = run([10.0, 30.0] * 50, RepeatRule(least=6, most=40, narrow=0.01, seconds=5.0))
    assert (len(results), why) == (6, LONG)
    results, why = run([1.0, 2.0] * 50, RepeatRule(least=6, most=40, narrow=0.01, seconds=15.0))
    assert (len(results), why) == (10, LONG)


def test_calls_of_minutes_end_before_the_least():
    rule = RepeatRule(fewest=3, patience=20.0)
    results, why = run([9.0] * 50, rule)
    assert (len(results), why) == (3, LONG)
    results, why = run([5.0] * 50, rule)
    assert (len(results), why) == (4, LONG)
    results, why = run([2.0] * 50, rule)
    assert (len(results), why) == (6, NARROW)


def test_times_that_settle_end_once_they_are_narrow():
    results, why = run([1.0, 2.0, 3.0] + [1.0] * 50, RepeatRule(seconds=1e9))
    assert why == NARROW
    low, high = median_interval(results)
    assert high - low <= 0.05
    earlier = median_interval(results[:-1])
    assert len(results) == 6 or earlier[1] - earlier[0] > 0.05


def test_quantiles_are_numpys():
    values = list(np.random.default_rng(0).lognormal(size=23))
    spread = describe_spread(values)
    np.testing.assert_allclose(
        [spread.q25, spread.median, spread.q75, spread.p95], np.percentile(values, [25, 50, 75, 95])
    )
    assert spread.repeats == 23


@pytest.mark.parametrize(("count", "ranks"), [(6, (1, 6)), (10, (2, 9)), (30, (10, 21))])
def test_interval_has_the_tabulated_ranks(count, ranks):
    """Source: tables of the sign test's interval, for instance Conover, Practical Nonparametric Statistics, A3."""
    assert median_interval(list(range(count, 0, -1))) == ranks


@pytest.mark.parametrize("count", range(6, 101))
def test_interval_has_the_ranks_of_the_binomial_distribution(count):
    """As many values on either side as leave at most 2.5 % of the 2**count outcomes of the sign test there."""
    outside = max(k for k in range(1, count) if sum(math.comb(count, j) for j in range(k)) <= 0.025 * 2**count)
    assert median_interval(list(range(count, 0, -1))) == (outside, count + 1 - outside)


def test_few_values_have_no_interval():
    assert median_interval([1.0] * 5) is None
    assert describe_spread([1.0]).interval is None


def test_interval_covers_the_median():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        low, high = median_interval(list(rng.exponential(size=11)))
        covered += low <= np.log(2) <= high
    assert covered / 400 > 0.93
