"""Discs of one tile against the definition; ``test_spans.py`` and ``../test_reference.py`` hold whole pictures."""

import numpy as np
import pytest

from bokehbench.core.lanes import LANES
from bokehbench.renderers.classical.cpu.disc_tiles import (
    SCRATCH,
    TILE,
    TILE_ROWS,
    spread_tile,
    tail_px,
)

REACH, UNITS, TOLERANCE = 12, 2.0**24, 4e-5


def spread(radius, colour):
    """Return the sums (rows, 4, columns), rows and columns REACH more than the tile's on each side, one row beyond."""
    weight = np.where(radius >= 0, UNITS / (radius**2 + 0.2), 0.0)
    source = np.stack([radius, *(colour * weight), weight]).astype(np.float32)
    rows, pitch = TILE_ROWS + 2 * REACH + 1, LANES + 2 * REACH
    sums, changes = np.zeros(rows * 4 * pitch, np.int32), np.empty((REACH + 2) * TILE, np.float32)
    row_start = 4 * pitch * np.arange(rows)
    scratch = np.empty(SCRATCH, np.float32)
    spread_tile(source.reshape(-1), LANES, 0, 0, TOLERANCE, sums, pitch, row_start, REACH, scratch, changes)
    return np.cumsum(sums.reshape(rows, 4, pitch), axis=0) / UNITS


def expect(radius, colour):
    sums = np.zeros((TILE_ROWS + 2 * REACH + 1, 4, LANES + 2 * REACH))
    y, x = np.mgrid[: sums.shape[0], : sums.shape[2]] - REACH
    for v, u in np.argwhere(radius >= 0):
        r = radius[v, u]
        window = np.maximum(abs(y - v), abs(x - u)) <= np.floor(r) + 1
        weight = window * (0.5 + 0.5 * np.tanh(4 * (r - np.hypot(y - v, x - u)))) / (r * r + 0.2)
        sums += weight[:, None] * np.append(colour[:, v, u], 1.0)[:, None]
    return sums


@pytest.mark.parametrize("smallest_px", [0.0, 3.0, 7.5])
def test_discs_of_a_tile_add_up_to_the_definition(smallest_px):
    rng = np.random.default_rng(0)
    radius, colour = smallest_px + 3 * rng.random((TILE_ROWS, LANES)), rng.random((3, TILE_ROWS, LANES))
    radius[-2:] = -1.0  # below the picture
    np.testing.assert_allclose(spread(radius, colour), expect(radius, colour), rtol=0, atol=1e-4)


def test_discs_end_exactly():
    """Beyond a disc nothing is left of it: every sum is a whole number, and what was added is taken away."""
    radius = np.full((TILE_ROWS, LANES), 7.3) + 0.3 * np.random.default_rng(1).random((TILE_ROWS, LANES))
    sums = spread(radius, np.random.default_rng(2).random((3, TILE_ROWS, LANES)))
    assert not sums[TILE_ROWS + REACH + 9 :].any()
    assert (sums[REACH + 4] > 0).any()


def test_fainter_rims_are_written_for_finer_tolerances_and_smaller_discs():
    for r in np.float32([3, 8, 64]):
        assert tail_px(r, 1e-6) > tail_px(r, 4e-5)
    assert tail_px(np.float32(8), 4e-5) > tail_px(np.float32(64), 4e-5)
