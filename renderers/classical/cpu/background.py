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


def complete_background(surfaces: Surfaces, how: str = "smooth") -> Surfaces:
    """Fill ``back`` and ``back_disparity`` behind every edge as far as flooding reaches (127 px).

    ``how``: the ``nearest`` pixel of the farther surface, that ``smooth``ed, or the surface ``mirror``ed at its edge.
    """
    disparity, jump = surfaces.front_disparity, np.float32(surfaces.jump)
    pure = (surfaces.front[..., 3] >= 1.0) & np.isneginf(surfaces.back_disparity)
    seeds = pure & (maximum_filter(disparity, 5) - disparity > jump)
    nearest = flood(seeds, disparity, jump)
    hidden = np.isneginf(surfaces.back_disparity) & (nearest >= 0)
    back, back_disparity = surfaces.back.copy(), surfaces.back_disparity.copy()
    flat = surfaces.front[..., :3].reshape(-1, 3)
    source = nearest[hidden]
    back_disparity[hidden] = disparity.ravel()[source]
    if how == "mirror":
        source = _mirrored(np.flatnonzero(hidden), source, disparity, pure, jump)
    back[hidden] = flat[source]
    if how != "nearest":
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


def _mirrored(
    hidden: NDArray[np.int64],
    source: NDArray[np.int64],
    disparity: FloatArray,
    pure: NDArray[np.bool_],
    jump: np.float32,
) -> NDArray[np.int64]:
    """Reflect each hidden pixel at its edge pixel; keep the edge pixel where another surface lies there."""
    height, width = disparity.shape
    y = 2 * (source // width) - hidden // width
    x = 2 * (source % width) - hidden % width
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    reflected = np.where(inside, y * width + x, source)
    same = np.abs(disparity.ravel()[reflected] - disparity.ravel()[source]) < jump
    return np.where(same & pure.ravel()[reflected], reflected, source)


def _smooth(back: FloatArray, back_disparity: FloatArray, hidden: NDArray[np.bool_]) -> None:
    known = (back_disparity > NOTHING).astype(np.float32)
    weight = np.maximum(gaussian_filter(known, SMOOTHING_PX), 1e-6)
    for channel in range(3):
        smooth = gaussian_filter(back[..., channel] * known, SMOOTHING_PX) / weight
        back[..., channel][hidden] = smooth[hidden]
