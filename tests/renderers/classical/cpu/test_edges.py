"""Anchors looked for ring by ring against all of the window."""

import numpy as np
import pytest

from bokehbench.renderers.classical.cpu.edges import FAR_SEARCH_PX, NEAR_SEARCH_PX, _average_anchors, _find_anchors
from bokehbench.renderers.classical.cpu.mixtures import ANCHOR, MIXED
from bokehbench.renderers.classical.surfaces import find_edges

JUMP = 0.1


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("own_side", [0, 1, -1])
def test_the_nearest_anchor_is_found(side, own_side):
    """The first in raster order among those that are equally near."""
    rng = np.random.default_rng(0)
    picture, disparity = rng.random((30, 34, 3), np.float32), np.zeros((30, 34), np.float32)
    for top, left in rng.integers(0, 26, (12, 2)):
        disparity[top : top + 6, left : left + 6] = rng.random()
    kinds = np.where(rng.random(disparity.shape) < 0.6, MIXED, ANCHOR)
    edges, jump = find_edges(disparity, JUMP), np.float32(JUMP)
    margin = np.float32(-0.25 if side == own_side else 0.25) * jump
    reach = NEAR_SEARCH_PX if side == 1 and own_side == 0 else FAR_SEARCH_PX
    y, x = np.indices(disparity.shape)
    outcomes = set()
    for row, column in rng.integers(0, 30, (60, 2)):
        surroundings = (picture, disparity, kinds, edges, row, column)
        usable = (kinds == ANCHOR) & ~((own_side != 0) & edges) & (side * (disparity - disparity[row, column]) > margin)
        usable &= (abs(y - row) <= reach) & (abs(x - column) <= reach)
        squared = np.where(usable, (y - row) ** 2 + (x - column) ** 2, np.inf).astype(np.float32)
        found, expected = np.zeros(5, np.float32), np.zeros(5, np.float32)
        colour, alike = picture[row, column], side == own_side
        known = _find_anchors(*surroundings, disparity[row, column], side, jump, own_side, colour, found)
        assert known == usable.any()
        if known:
            surface = disparity.ravel()[squared.argmin()]
            _average_anchors(*surroundings, surface, squared.min(), jump, own_side, alike, colour, expected)
            assert np.array_equal(found, expected)
        outcomes.add(bool(known))
    assert True in outcomes
