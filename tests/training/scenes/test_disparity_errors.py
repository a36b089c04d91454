"""Errors of the given disparity: reproducible, within the range, each of them where asked for, none where not."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from bokehbench.training.scenes.disparity_errors import DisparityErrors

NONE = DisparityErrors(
    share=1.0,
    erosion_share=1.0,
    erosion_px=0,
    other_share=1.0,
    shift_px=0.0,
    blur_px=0.0,
    noise=0.0,
    quantisation=0.0,
)
"""Every error happens, each with severity 0."""


def rng(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


@pytest.fixture
def disparity():
    """A near square and a slope behind it, (64,80)."""
    plane = np.tile(np.linspace(0.1, 0.4, 80, dtype=np.float32), (64, 1))
    plane[20:44, 30:54] = 0.9
    return plane


def test_the_same_seed_gives_the_same_map(disparity):
    errors = DisparityErrors(share=1.0)
    first, again, other = (errors.apply(disparity, rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_severity_zero_is_the_identity(disparity):
    for seed in range(20):
        assert np.array_equal(NONE.apply(disparity, rng(seed)), disparity)


def test_without_a_share_no_scene_is_wrong(disparity):
    assert all(np.array_equal(DisparityErrors(share=0.0).apply(disparity, rng(s)), disparity) for s in range(20))


def test_the_share_is_how_many_scenes_are_wrong(disparity):
    errors = dataclasses.replace(NONE, share=0.3, noise=4.0)  # noise of some strength is never nothing
    changed = sum(not np.array_equal(errors.apply(disparity, rng(seed)), disparity) for seed in range(400))
    assert 0.22 < changed / 400 < 0.38  # 3.5 standard deviations


def test_maps_stay_float32_within_their_range_and_the_true_one_stays_as_it_was(disparity):
    true = disparity.copy()
    for seed in range(40):
        wrong = DisparityErrors(share=1.0, other_share=0.7).apply(disparity, rng(seed))
        assert wrong.dtype == np.float32
        assert wrong.shape == disparity.shape
        assert true.min() <= wrong.min() <= wrong.max() <= true.max()
    assert np.array_equal(disparity, true)


def test_near_things_shrink_and_grow_by_as_many_px_as_allowed(disparity):
    errors = dataclasses.replace(NONE, erosion_px=3)
    widths = {int((errors.apply(disparity, rng(seed))[32] > 0.8).sum()) for seed in range(60)}
    assert widths == {24 + 2 * px for px in range(-3, 4)}


def test_shifts_go_both_ways_and_no_further_than_allowed(disparity):
    errors = dataclasses.replace(NONE, shift_px=3.0)
    centres = [
        ndimage.center_of_mass(np.clip(errors.apply(disparity, rng(seed)) - 0.4, 0.0, None))[1] for seed in range(40)
    ]
    offsets = np.array(centres) - ndimage.center_of_mass(np.clip(disparity - 0.4, 0.0, None))[1]
    assert -3.01 < offsets.min() < -1.0
    assert 1.0 < offsets.max() < 3.01


@pytest.mark.parametrize(
    ("field", "strength", "most"),
    [
        ("blur_px", 3.0, 0.04),
        ("noise", 4.0, 0.05),  # two kinds, of 4 % of a range of 0.8 each
        ("quantisation", 6.0, 0.024),  # half a step of 6 % of a range of 0.8
    ],
)
def test_each_other_error_happens_and_is_bounded(disparity, field, strength, most):
    errors = dataclasses.replace(NONE, **{field: strength})
    means = [float(np.abs(errors.apply(disparity, rng(seed)) - disparity).mean()) for seed in range(20)]
    assert sum(mean > 0.0 for mean in means) >= 15  # a blur of a fraction of a px is none
    assert most / 10 < max(means) < most


def test_a_flat_map_stays_flat(disparity):
    flat = np.full_like(disparity, 0.5)
    for seed in range(20):
        assert np.array_equal(DisparityErrors(share=1.0, other_share=1.0).apply(flat, rng(seed)), flat)
