"""Known answers, and simulations of what the tests promise."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bokehbench.benchmarks.statistics.significance import (
    SIGNIFICANCE_LEVEL,
    compare_pairs,
    compare_to_reference,
    holm,
    rank_biserial,
)


def alone(scores):
    return {scene: scene for scene in scores.index}


def simulate(experiments, scenes, gaps, seed):
    """Yield scores of a reference and of one renderer a gap, better by it on average; scenes differ far more."""
    generator = np.random.default_rng(seed)
    for _ in range(experiments):
        hardness = generator.normal(30.0, 5.0, scenes)
        columns = {"reference": hardness}
        columns |= {f"r{n}": hardness + gap + generator.normal(0.0, 1.0, scenes) for n, gap in enumerate(gaps)}
        yield pd.DataFrame(columns)


def run(scores, **options):
    return compare_to_reference(scores, alone(scores), True, "reference", **{"resamples": 1000, **options})


def exact_p_value(first, second):
    """SciPy's, over all turns of signs."""
    turned = stats.permutation_test(
        (first - second,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    return turned.pvalue


def test_holm_on_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("differences", "effect"), [([1, 2, 3], 1), ([-1, -2, -3], -1), ([1, -2, 3], 2 / 6), ([0, 0], 0), ([0, 5], 1)]
)
def test_rank_biserial_by_hand(differences, effect):
    assert rank_biserial(np.array(differences, float)) == pytest.approx(effect)


def test_p_value_is_scipys_on_the_differences():
    (scores,) = simulate(1, 12, [0.3], seed=3)
    test = run(scores).tests[0]
    assert test.p_value == exact_p_value(scores["r0"], scores["reference"])
    assert test.difference == pytest.approx((scores["r0"] - scores["reference"]).mean())
    assert test.win_rate == pytest.approx((scores["r0"] > scores["reference"]).mean())


def test_known_error_is_found_with_its_size():
    """A renderer off by 0.1 everywhere against one off by 0.05: 20 log10(2) = 6.02 dB apart, on every scene."""
    generator = np.random.default_rng(0)
    target = generator.uniform(0.2, 0.7, (12, 100))
    psnr = {
        name: [-10 * np.log10(np.mean((picture + error - picture) ** 2)) for picture in target]
        for name, error in (("reference", 0.1), ("half", 0.05))
    }
    found = run(pd.DataFrame(psnr)).tests[0]
    assert found.difference == pytest.approx(20 * np.log10(2))
    assert (found.interval.low, found.interval.high) == pytest.approx((6.0206, 6.0206), abs=1e-3)
    assert (found.effect, found.win_rate, found.significant) == (1.0, 1.0, True)
    assert found.p_value == 2.0**-11


def test_lower_is_better_turns_effect_and_wins_but_not_the_difference():
    scores = pd.DataFrame({"reference": np.linspace(0.2, 0.3, 8), "r": np.linspace(0.1, 0.15, 8)})
    test = compare_to_reference(scores, alone(scores), False, "reference").tests[0]
    assert test.difference < 0
    assert (test.effect, test.win_rate) == (1.0, 1.0)


def test_no_difference_is_found_where_there_is_none():
    """Four equal renderers: of 300 experiments, about 5 % may name any of them, and 5 % of intervals miss 0."""
    results = [run(scores) for scores in simulate(300, 20, [0.0] * 4, seed=1)]
    family_errors = np.mean([any(test.significant for test in result.tests) for result in results])
    missed = np.mean([0.0 not in test.interval for result in results for test in result.tests])
    assert family_errors < 0.08
    assert 0.03 < missed < 0.07


def test_a_real_difference_is_found_and_covered():
    results = [run(scores).tests[0] for scores in simulate(200, 30, [0.8], seed=2)]
    assert np.mean([test.significant for test in results]) > 0.95
    assert 0.91 < np.mean([0.8 in test.interval for test in results]) < 0.99


def test_copies_of_scenes_do_not_make_anything_significant():
    (scores,) = simulate(1, 5, [0.4], seed=5)
    copies = pd.concat([scores.set_axis([f"{name}/{copy}" for name in scores.index]) for copy in range(20)])
    clusters = {name: name.partition("/")[0] for name in copies.index}
    clustered = compare_to_reference(copies, clusters, True, "reference")
    assert clustered.pairs.units == 5
    assert clustered.tests[0].p_value == run(scores).tests[0].p_value
    assert compare_to_reference(copies, alone(copies), True, "reference").tests[0].p_value < clustered.tests[0].p_value


def test_identical_renderers_are_equal():
    scores = pd.DataFrame({"reference": np.arange(9.0), "same": np.arange(9.0)})
    test = run(scores).tests[0]
    assert (test.p_value, test.effect, test.win_rate, test.significant) == (1.0, 0.0, 0.5, False)


@pytest.mark.parametrize(
    ("scenes", "renderers", "warned"), [(5, 1, True), (6, 1, False), (5, 3, True), (6, 3, False), (6, 9, False)]
)
def test_too_few_scenes_to_find_anything_are_said(scenes, renderers, warned):
    (scores,) = simulate(1, scenes, [50.0] * renderers, seed=6)
    result = run(scores)
    assert (result.pairs.warning is not None) == warned
    assert any(test.significant for test in result.tests) != warned


def test_a_pair_has_one_p_value_whoever_is_the_reference():
    (scores,) = simulate(1, 12, [0.2, 0.9, 1.0], seed=8)
    pairs = compare_pairs(scores, alone(scores))
    assert len(pairs.p_values) == 6
    for reference in scores:
        for test in compare_to_reference(scores, alone(scores), True, reference).tests:
            pair = frozenset((reference, test.renderer))
            assert (test.p_value, test.adjusted) == (pairs.p_values[pair], pairs.adjusted[pair])
            assert test.p_value == exact_p_value(scores[reference], scores[test.renderer])
            assert (
                test.significant
                == pairs.differ(reference, test.renderer)
                == (pairs.adjusted[pair] < SIGNIFICANCE_LEVEL)
            )


def test_whoever_is_found_best_among_equals_is_rarely_said_to_be():
    """The best is chosen by the same scores, so a correction for the others alone would not do: here 5 % at most."""
    named = []
    for scores in simulate(300, 20, [0.0] * 4, seed=9):
        noisy = scores.drop(columns="reference")
        best = noisy.mean().idxmax()
        pairs = compare_pairs(noisy, alone(noisy))
        named.append(any(pairs.differ(best, other) for other in noisy if other != best))
    assert np.mean(named) < 0.08


def test_only_scenes_that_all_share_are_tested():
    scores = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan], "b": [2.0, 4.0, 6.0, 9.0], "absent": [np.nan] * 4})
    pairs = compare_pairs(scores, alone(scores))
    assert list(pairs.p_values) == [frozenset(("a", "b"))]
    assert pairs.units == 3
    assert compare_pairs(scores[["absent"]], alone(scores)).p_values == {}


def test_absent_reference_makes_no_test():
    scores = pd.DataFrame({"reference": [np.nan, np.nan], "r": [1.0, 2.0]})
    assert run(scores) is None
    assert compare_to_reference(scores, alone(scores), True, "elsewhere") is None
    assert run(scores.assign(reference=0.0)[["reference"]]).tests == ()
