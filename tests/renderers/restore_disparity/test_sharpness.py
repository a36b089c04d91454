"""Which maps are left alone: those with sharp edges, in any range, moved ones too, and those without edges."""

import numpy as np
import pytest
import torch

from bokehbench.datasets.low_quality.zoom import drop_resolution
from bokehbench.renderers.restore_disparity.sharpness import is_sharp
from bokehbench.robustness.perturbations.estimates import estimate
from bokehbench.robustness.perturbations.outlines import blur, erode


@pytest.fixture(scope="module")
def discs():
    """Tilted discs before a tilted plane."""
    rows, columns = np.mgrid[:97, :120]
    disparity = (0.2 + 0.001 * columns).astype(np.float32)
    for row, column, radius in ((30, 30, 18), (60, 80, 25)):
        inside = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        disparity[inside] = 0.6 + 0.002 * rows[inside]
    return disparity


def _is_sharp(disparity):
    return is_sharp(torch.from_numpy(np.ascontiguousarray(disparity, np.float32))[None])


def test_maps_of_the_pictures_resolution_are_sharp(discs):
    assert _is_sharp(discs)
    assert _is_sharp(-40.0 + 1e3 * discs)
    for size in (-4, 4):
        assert _is_sharp(erode(discs, size, np.random.default_rng(0)))


def test_what_lost_resolution_is_not(discs):
    for factor in (2.0, 4.0, 8.0):
        assert not _is_sharp(drop_resolution(discs, factor))
    assert not _is_sharp(blur(discs, 2.0, np.random.default_rng(0)))
    assert not _is_sharp(estimate(discs, 2.0, np.random.default_rng(0)))


def test_a_map_without_edges_is_left_alone():
    assert _is_sharp(np.full((9, 7), 0.3))
    assert _is_sharp(np.linspace(0.0, 1.0, 400, dtype=np.float32)[None].repeat(5, 0))
