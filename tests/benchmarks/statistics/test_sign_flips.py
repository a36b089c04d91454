"""The sign-flip test against plain loops, and what its correction promises."""

import itertools

import numpy as np
import pytest

from bokehbench.benchmarks.statistics.sign_flips import EXACT_UNITS, FLIPS, sign_flip_test, smallest_p_value
from bokehbench.benchmarks.statistics.significance import holm


def plain_test(differences):
    """Every turn of signs, every pair, and step by step the pairs that are left."""
    units, pairs = differences.shape
    found = [abs(np.mean(column) / np.std(column)) for column in differences.T]
    left = sorted(range(pairs), key=lambda pair: -found[pair])
    p_values, adjusted, floor = np.zeros(pairs), np.zeros(pairs), 0.0
    turns = [np.array(signs)[:, None] * differences for signs in itertools.product((1, -1), repeat=units)]
    turned = [[abs(np.mean(column) / np.std(column)) for column in turn.T] for turn in turns]
    for pair in left:
        p_values[pair] = np.mean([turn[pair] >= found[pair] * (1 - 1e-9) for turn in turned])
    while left:
        first = left[0]
        floor = max(floor, np.mean([max(turn[pair] for pair in left) >= found[first] * (1 - 1e-9) for turn in turned]))
        adjusted[first] = floor
        left = left[1:]
    return p_values, adjusted


def all_pairs(scores):
    return np.stack([scores[:, i] - scores[:, j] for i, j in itertools.combinations(range(scores.shape[1]), 2)], axis=1)


@pytest.mark.parametrize(("units", "renderers", "seed"), [(6, 2, 0), (7, 3, 1), (8, 4, 2), (9, 3, 3)])
def test_equals_plain_loops(units, renderers, seed):
    generator = np.random.default_rng(seed)
    differences = all_pairs(generator.normal(0.0, 1.0, (units, renderers)) + 0.7 * np.arange(renderers))
    p_values, adjusted = sign_flip_test(differences)
    plain_p, plain_adjusted = plain_test(differences)
    assert p_values == pytest.approx(plain_p, abs=1e-12)
    assert adjusted == pytest.approx(plain_adjusted, abs=1e-12)


def test_clear_differences_need_six_scenes_however_many_renderers():
    generator = np.random.default_rng(4)
    differences = all_pairs(generator.normal(0.0, 0.1, (6, 20)) + np.arange(20))
    _, adjusted = sign_flip_test(differences)
    assert adjusted.max() < 0.05
    assert adjusted.min() == smallest_p_value(6)
    assert sign_flip_test(differences[:5])[1].min() > 0.05


def test_correction_only_raises_and_keeps_the_order():
    generator = np.random.default_rng(5)
    scores = generator.normal(0.0, 1.0, (10, 5)) + np.array([0, 0, 0.5, 1, 2])
    p_values, adjusted = sign_flip_test(all_pairs(scores))
    assert (adjusted >= p_values).all()
    assert (adjusted <= np.array(holm(p_values.tolist())) + 1e-12).mean() > 0.9


def test_scale_of_a_pair_does_not_matter():
    generator = np.random.default_rng(6)
    differences = generator.normal(0.3, 1.0, (8, 3))
    assert np.array_equal(sign_flip_test(differences), sign_flip_test(differences * [1.0, 64.0, 0.25]))


def test_without_differences_there_is_nothing_to_find():
    differences = np.zeros((8, 2))
    differences[:, 1] = 1.0
    p_values, adjusted = sign_flip_test(differences)
    assert p_values.tolist() == adjusted.tolist() == [1.0, 2.0**-7]
    assert [len(values) for values in sign_flip_test(np.zeros((0, 3)))] == [3, 3]
    assert [len(values) for values in sign_flip_test(np.zeros((3, 0)))] == [0, 0]


def test_drawn_turns_agree_with_all_turns():
    generator = np.random.default_rng(7)
    differences = generator.normal(0.5, 1.0, (EXACT_UNITS, 3))
    more = np.concatenate([differences, np.full((1, 3), 1e-12)])  # one unit more, which changes nothing
    exact, drawn = sign_flip_test(differences), sign_flip_test(more)
    assert np.abs(np.subtract(exact, drawn)).max() < 4 * np.sqrt(0.25 / FLIPS)


@pytest.mark.parametrize("noise", [np.random.Generator.standard_normal, lambda g, n: g.standard_t(3, n)])
@pytest.mark.parametrize("equal", [4, 2])
def test_false_findings_stay_below_the_level(noise, equal):
    """Of four renderers ``equal`` are equal, the others 3 and 6 better; 400 times nine scenes of uneven noise."""
    generator = np.random.default_rng(8)
    false = 0
    pairs = [*itertools.combinations(range(4), 2)]
    for _ in range(400):
        spread = generator.uniform(0.2, 2.0, (9, 1))
        scores = spread * noise(generator, (9, 4)) + [0.0, 0.0, *([0.0, 0.0] if equal == 4 else [3.0, 6.0])]
        _, adjusted = sign_flip_test(all_pairs(scores))
        false += any(p < 0.05 for (i, j), p in zip(pairs, adjusted, strict=True) if j < equal)
    assert false / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
