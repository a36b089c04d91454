"""What the foreground hides: the surface beyond each depth edge, continued behind it.

Every pixel of a nearer surface takes the nearest edge pixel of a farther one (jump flooding that accepts only farther
surfaces), its disparity and colour. The colours are then smoothed along the hidden surface.
Source: Rong & Tan, "Jump flooding in GPU", 2006.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from ....core.compiled import compiled
from ..surfaces import NOTHING, FloatArray, Surfaces

LONGEST_JUMP_PX = 64
SMOOTHING_PX = 2.0


def complete_background(surfaces: Surfaces) -> Surfaces:
    """Fill ``back`` and ``back_disparity`` behind every edge as far as flooding reaches (127 px)."""
    disparity, jump = surfaces.front_disparity, np.float32(surfaces.jump)
    pure = (surfaces.front[..., 3] >= 1.0) & np.isneginf(surfaces.back_disparity)
    seeds = pure & (maximum_filter(disparity, 5) - disparity > jump)
    nearest = flood(seeds, disparity, jump)
    hidden = np.isneginf(surfaces.back_disparity) & (nearest >= 0)
    back, back_disparity = surfaces.back.copy(), surfaces.back_disparity.copy()
    flat = surfaces.front[..., :3].reshape(-1, 3)
    source = nearest[hidden]
    back_disparity[hidden] = disparity.ravel()[source]
    back[hidden] = flat[source]
    _smooth(back, back_disparity, hidden)
    return Surfaces(surfaces.front, disparity, back, back_disparity, surfaces.edges, surfaces.jump)


def flood(seeds: NDArray[np.bool_], disparity: FloatArray, jump: np.float32) -> NDArray[np.int64]:
    """Return (H,W) int64: flat index of the nearest seed that is farther away by over ``jump``; -1 where none is."""
    nearest = np.full(disparity.shape, -1, np.int64)
    step = LONGEST_JUMP_PX
    while step >= 1:
        nearest = _flood_once(nearest, seeds, disparity, jump, step)
        step //= 2
    return _flood_once(nearest, seeds, disparity, jump, 1)


@compiled
def _flood_once(
    nearest: NDArray[np.int64], seeds: NDArray[np.bool_], disparity: FloatArray, jump: float, step: int
) -> NDArray[np.int64]:
    height, width = disparity.shape
    result = nearest.copy()
    for y in range(height):
        for x in range(width):
            best = np.int64(1) << 60
            if nearest[y, x] >= 0:
                best = (nearest[y, x] // width - y) ** 2 + (nearest[y, x] % width - x) ** 2
            for j in range(y - step, y + step + 1, step):
                for i in range(x - step, x + step + 1, step):
                    if 0 <= j < height and 0 <= i < width:
                        for candidate in (nearest[j, i], j * width + i if seeds[j, i] else np.int64(-1)):
                            if candidate >= 0:
                                sy, sx = candidate // width, candidate % width
                                distance = (sy - y) ** 2 + (sx - x) ** 2
                                if distance < best and disparity[sy, sx] < disparity[y, x] - jump:
                                    best = distance
                                    result[y, x] = candidate
    return result


def _smooth(back: FloatArray, back_disparity: FloatArray, hidden: NDArray[np.bool_]) -> None:
    known = (back_disparity > NOTHING).astype(np.float32)
    weight = np.maximum(gaussian_filter(known, SMOOTHING_PX), 1e-6)
    for channel in range(3):
        smooth = gaussian_filter(back[..., channel] * known, SMOOTHING_PX) / weight
        back[..., channel][hidden] = smooth[hidden]
