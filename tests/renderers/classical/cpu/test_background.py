"""Sweeps and vectorised smoothing against every pixel with every seed, and SciPy."""

import numpy as np
import pytest
import torch

from bokehbench.renderers.classical.cpu.background import complete_background
from bokehbench.renderers.classical.cpu.flood import NO_SEED, find_farther_seeds
from bokehbench.renderers.classical.surfaces import NOTHING, whole_pixels
from bokehbench.renderers.classical.surfaces_reference import find_seeds, smooth_hidden, squared_distances

JUMP = 0.1


def layers(height, width, patches, seed=0):
    """A random picture in which nearer and nearer rectangles and discs lie before a plane."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    disparity = np.zeros((height, width), np.float32)
    for n in range(patches):
        cy, cx, tall, wide = rng.uniform(0, height), rng.uniform(0, width), *rng.uniform(2, 14, 2)
        power = 2 if n % 2 else 8
        disparity[(abs(y - cy) / tall) ** power + (abs(x - cx) / wide) ** power < 1] = 0.3 * (n + 1)
    return whole_pixels(rng.random((height, width, 3), np.float32), disparity, JUMP)


def distance_found(sources):
    y, x = np.indices(sources.shape)
    width = sources.shape[1]
    squared = (sources // width - y) ** 2 + (sources % width - x) ** 2
    return np.where(sources >= 0, np.sqrt(squared), np.inf)


@pytest.mark.parametrize(("height", "width", "patches"), [(40, 53, 5), (64, 33, 2), (3, 50, 3), (50, 1, 3), (1, 1, 1)])
def test_sweeps_find_the_nearest_seed_that_lies_behind(height, width, patches):
    for seed in range(3):
        surfaces = layers(height, width, patches, seed)
        seeds, disparity = find_seeds(surfaces), surfaces.front_disparity
        marked = np.where(seeds, disparity, NO_SEED).astype(np.float32)
        sources = find_farther_seeds(marked, disparity, JUMP)
        assert seeds.ravel()[sources[sources >= 0]].all()
        if not seeds.any():
            assert (sources == -1).all()
            continue
        nearest = np.sqrt(squared_distances(seeds, disparity, JUMP).min(axis=2).astype(np.float64))
        found = distance_found(sources)
        assert (found >= nearest).all()
        reached, kept = np.isfinite(nearest), np.isfinite(found)
        assert kept.sum() >= 0.9 * reached.sum()  # one that nobody could hand on is not found
        assert (found == nearest)[kept].mean() >= 0.95
        assert (found[kept] - nearest[kept]).max(initial=0) <= 1.0


@pytest.mark.parametrize(("height", "width"), [(40, 53), (5, 70), (33, 3)])
def test_what_is_hidden_is_smoothed_as_scipy_does(height, width):
    surfaces = layers(height, width, 5)
    disparity = surfaces.front_disparity
    marked = np.where(find_seeds(surfaces), disparity, NO_SEED).astype(np.float32)
    sources = find_farther_seeds(marked, disparity, JUMP)
    hidden = sources >= 0
    assert hidden.any()
    back_disparity = np.where(hidden, disparity.ravel()[sources], NOTHING)
    back = np.where(hidden[..., None], surfaces.front[..., :3].reshape(-1, 3)[sources], surfaces.back)
    completed = complete_background(surfaces)
    np.testing.assert_array_equal(completed.back_disparity, back_disparity)
    np.testing.assert_allclose(completed.back, smooth_hidden(back, back_disparity, hidden), rtol=0, atol=2e-6)


def test_threads_make_no_difference():
    surfaces, threads = layers(40, 53, 5), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = complete_background(surfaces)
        torch.set_num_threads(3)
        three = complete_background(surfaces)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(one.back, three.back)
    assert np.array_equal(one.back_disparity, three.back_disparity)
