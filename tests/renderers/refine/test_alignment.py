import numpy as np
import pytest

from bokehbench.renderers.refine.alignment import MOVES_PX, REACH_PX, measure_alignment, move_in_steps
from bokehbench.renderers.refine.alignment_reference import measure_alignment_by_filters
from bokehbench.renderers.refine.moves import grow


def test_the_kernel_collects_what_the_reference_does(discs):
    picture, disparity = discs[0][:40, :50], discs[1][:40, :50]
    fast, slow = measure_alignment(picture, disparity, threads=2), measure_alignment_by_filters(picture, disparity)
    np.testing.assert_array_equal(fast.count, slow.count)
    np.testing.assert_allclose(fast.total, slow.total, rtol=1e-4)
    np.testing.assert_allclose(fast.squares, slow.squares, rtol=1e-4)


@pytest.mark.parametrize("by_px", [-8, 3])
def test_the_right_move_is_the_best(discs, by_px):
    picture, disparity = discs
    found = measure_alignment(picture, grow(disparity, -by_px))
    mean = found.total.sum((1, 2)) / np.maximum(found.count.sum((1, 2)), 1.0)
    assert abs(MOVES_PX[int(mean.argmax())] - by_px) <= 1


def test_steps_are_nearly_discs():
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1.0
    y, x = np.nonzero(move_in_steps(point)[2 * REACH_PX])
    reach = np.hypot(y - 20, x - 20)
    assert reach.max() <= REACH_PX + 1.0
    octagon = max(reach[np.argwhere(y == 20)].max(), reach[np.argwhere(x == 20)].max())
    assert octagon == REACH_PX
