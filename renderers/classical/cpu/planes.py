"""What rays meet, laid out for loads of a whole row of a tile: planes of float32, each row's planes side by side.

Every row holds PLANES stretches of the same length, so that what one step needs lies close together. Around the frame
are a row, or a tile of columns, in which its border pixels continue: surfaces block rays there, but are not seen.
"""

import numpy as np

from ....core.compiled import compiled
from ..surfaces import FloatArray
from .reach import TILE_PX

FRONT_PX, COVERAGE, FRONT_RED, FRONT_GREEN, FRONT_BLUE, FRONT_SEEN = range(6)
"""Of the front surface: signed defocus, px; coverage; colour times coverage; coverage again, 0 outside the frame."""

BACK_PX, BACK_RED, BACK_GREEN, BACK_BLUE, BACK_SEEN = range(6, 11)
"""Of the surface behind it: signed defocus, px; colour; 1, 0 outside the frame."""

PLANES = 11


def empty_planes(height: int, width: int) -> FloatArray:
    """Return uninitialised planes (H + 2, PLANES, columns) for a frame; pixel (y, x) is at [y + 1, :, x + TILE_PX]."""
    return np.empty((height + 2, PLANES, width + 2 * TILE_PX), np.float32)


@compiled
def lay_rows(top: int, bottom: int, front: FloatArray, back: FloatArray, defocus: FloatArray, out: FloatArray) -> None:
    """Fill rows [top, bottom) of ``out``, (H + 2, PLANES, columns), which are rows top - 1 to bottom - 2 of the frame.

    ``front``: (H,W,4); ``back``: (H,W,3); ``defocus``: (H,W,2), signed px of both.
    """
    height, width = defocus.shape[:2]
    for row in range(top, bottom):
        y = min(max(row - 1, 0), height - 1)
        for column in range(out.shape[2]):
            x = min(max(column - TILE_PX, 0), width - 1)
            seen = np.float32(row - 1 == y and column - TILE_PX == x)
            coverage = front[y, x, 3]
            out[row, FRONT_PX, column], out[row, BACK_PX, column] = defocus[y, x, 0], defocus[y, x, 1]
            out[row, COVERAGE, column] = coverage
            out[row, FRONT_SEEN, column], out[row, BACK_SEEN, column] = seen * coverage, seen
            for c in range(3):
                out[row, FRONT_RED + c, column] = seen * coverage * front[y, x, c]
                out[row, BACK_RED + c, column] = seen * back[y, x, c]


@compiled
def measure_defocus(
    top: int,
    bottom: int,
    front_disparity: FloatArray,
    back_disparity: FloatArray,
    strength: np.float32,
    focus: np.float32,
    out: FloatArray,
) -> None:
    """Write rows [top, bottom) of both surfaces' signed defocus, (H,W,2) px, from their disparities (H,W)."""
    for y in range(top, bottom):
        for x in range(out.shape[1]):
            out[y, x, 0] = strength * (front_disparity[y, x] - focus)
            out[y, x, 1] = strength * (back_disparity[y, x] - focus)
