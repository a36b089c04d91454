"""Depth channels by hand."""

import numpy as np
import pytest

from bokehbench.datasets.import_render.depths import (
    cycles_planar_depth,
    luxcore_planar_depth,
    mitsuba_planar_depth,
)

FOCAL_PX = 4.0


def rays(height, width):
    """Return the cosine of each pixel's ray, written out."""
    cosines = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5 - width / 2, row + 0.5 - height / 2
            cosines[row, column] = FOCAL_PX / np.sqrt(x**2 + y**2 + FOCAL_PX**2)
    return cosines


@pytest.mark.parametrize("planar_depth", [mitsuba_planar_depth, luxcore_planar_depth])
def test_rays_that_start_at_the_near_plane(planar_depth):
    cosines = rays(3, 5)
    stored = ((2.0 - 0.5) / cosines).astype(np.float32)  # a plane at 2, rays from the plane 0.5
    assert stored[1, 2] == pytest.approx(1.5)
    assert stored[0, 0] == pytest.approx(1.5 * np.sqrt(1.0 + (4.0 + 1.0) / 16.0))
    assert planar_depth(stored, 0.5, FOCAL_PX) == pytest.approx(np.full((3, 5), 2.0), rel=1e-6)


def test_nothing_hit_is_infinitely_far():
    stored = np.array([[0.0, np.inf, 1e10, 3.0]], np.float32)
    for planar in (cycles_planar_depth(stored), mitsuba_planar_depth(stored, 0.0, 1e9)):
        assert planar.tolist() == [[np.inf, np.inf, np.inf, 3.0]]
        assert planar.dtype == np.float32


def test_cycles_stores_depth_along_the_axis():
    stored = np.linspace(1.0, 9.0, 15, dtype=np.float32).reshape(3, 5)
    assert np.array_equal(cycles_planar_depth(stored), stored)
