import numpy as np
import pytest

from bokehbench.benchmarks.metrics.discs import cover


@pytest.mark.parametrize("largest_px", [0.4, 3.0, 60.0])
def test_discs_cover_what_a_loop_over_pixels_says(largest_px):
    rng = np.random.default_rng(0)
    centres = rng.random((20, 30)) < 0.02
    radius_px = (largest_px * rng.random((20, 30))).astype(np.float32)
    rows, columns = np.mgrid[:20, :30]
    expected = np.zeros((20, 30), bool)
    for row, column in zip(*np.nonzero(centres), strict=True):
        expected |= (rows - row) ** 2 + (columns - column) ** 2 <= np.float64(radius_px[row, column]) ** 2
    assert np.array_equal(cover(centres, radius_px), expected)
