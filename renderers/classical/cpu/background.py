"""What the foreground hides: the surface beyond each depth edge, continued behind it.

Every pixel of a nearer surface takes the nearest edge pixel of a farther one (jump flooding that accepts only farther
surfaces), its disparity and colour. The colours are then smoothed along the hidden surface.
Source: Rong & Tan, "Jump flooding in GPU", 2006.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter

from ....core.compiled import compiled
from ..surfaces import NOTHING, FloatArray, Surfaces
from .strips import run_strips, split_rows

LONGEST_JUMP_EXPONENT = 6
FOUND, SEED = np.uint8(1), np.uint8(2)
FAR = 2**60
SMOOTHING_PX = 2.0
REACH_PX = int(4.0 * SMOOTHING_PX + 0.5)
"""Of the smoothing: scipy's."""


def complete_background(surfaces: Surfaces) -> Surfaces:
    """Fill ``back`` and ``back_disparity`` behind every edge as far as flooding reaches (127 px)."""
    disparity, jump = surfaces.front_disparity, np.float32(surfaces.jump)
    pure = (surfaces.front[..., 3] >= 1.0) & np.isneginf(surfaces.back_disparity)
    seeds = pure & (maximum_filter(disparity, 5) - disparity > jump)
    rows, columns = flood(seeds, disparity, jump)
    hidden = np.isneginf(surfaces.back_disparity) & (rows >= 0)
    back, back_disparity = surfaces.back.copy(), surfaces.back_disparity.copy()
    source = rows[hidden], columns[hidden]
    back_disparity[hidden] = disparity[source]
    back[hidden] = surfaces.front[..., :3][source]
    _smooth(back, back_disparity, hidden)
    return Surfaces(surfaces.front, disparity, back, back_disparity, surfaces.edges, surfaces.jump)


def flood(seeds: NDArray[np.bool_], disparity: FloatArray, jump: np.float32) -> tuple[NDArray[np.int32], ...]:
    """Return row and column (H,W) int32 of the nearest seed that is farther away by over ``jump``; -1 where none is."""
    found = np.full(disparity.shape, -1, np.int32), np.full(disparity.shape, -1, np.int32)
    if not seeds.any():
        return found
    farthest, threads = disparity[seeds].min(), torch.get_num_threads()
    strips = split_rows(np.ones(len(disparity)), threads)
    for step in (*(2**n for n in range(LONGEST_JUMP_EXPONENT, -1, -1)), 1):
        before = found[0].copy(), found[1].copy()
        offers = (found[0] >= 0) * FOUND + seeds * SEED

        def look(top: int, bottom: int, step: int = step, before: Any = before, offers: Any = offers) -> None:
            _flood_once(top, bottom, *before, offers, disparity, jump, farthest, step, *found)

        run_strips(look, strips, threads)
    return found


@compiled
def _flood_once(
    top: int,
    bottom: int,
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    offers: NDArray[np.uint8],
    disparity: FloatArray,
    jump: np.float32,
    farthest: np.float32,
    step: int,
    new_rows: NDArray[np.int32],
    new_columns: NDArray[np.int32],
) -> None:
    """Let the pixels of rows [top, bottom) take what their neighbours ``step`` px away found, or are, if it is nearer.

    ``offers``: (H,W), FOUND where a pixel has found a seed, plus SEED where it is one.
    ``farthest``: of the seeds' disparities: a pixel that is not nearer to the camera than that finds none.
    """
    height, width = disparity.shape
    for y in range(top, bottom):
        for x in range(width):
            limit = disparity[y, x] - jump
            if not farthest < limit:
                continue
            best = (rows[y, x] - y) ** 2 + (columns[y, x] - x) ** 2 if rows[y, x] >= 0 else FAR
            for j in range(y - step, y + step + 1, step):
                for i in range(x - step, x + step + 1, step):
                    if 0 <= j < height and 0 <= i < width and offers[j, i]:
                        if offers[j, i] & FOUND:
                            sy, sx = rows[j, i], columns[j, i]
                            distance = (sy - y) ** 2 + (sx - x) ** 2
                            if distance < best and disparity[sy, sx] < limit:
                                best, new_rows[y, x], new_columns[y, x] = distance, sy, sx
                        distance = (j - y) ** 2 + (i - x) ** 2
                        if offers[j, i] & SEED and distance < best and disparity[j, i] < limit:
                            best, new_rows[y, x], new_columns[y, x] = distance, j, i


def _smooth(back: FloatArray, back_disparity: FloatArray, hidden: NDArray[np.bool_]) -> None:
    """Smooth colour where ``hidden`` among what is known, as scipy's ``gaussian_filter`` does, bit for bit.

    That filters whole pictures; here rows are filtered only where something is hidden.
    """
    known = (back_disparity > NOTHING).astype(np.float32)
    planes = np.stack([*(back[..., channel] * known for channel in range(3)), known])
    taps = gaussian_filter1d(np.eye(1, 2 * REACH_PX + 1, REACH_PX), SMOOTHING_PX, mode="constant")[0, : REACH_PX + 1]
    threads = torch.get_num_threads()
    strips = split_rows(1.0 + hidden.sum(axis=1), threads)
    run_strips(lambda top, bottom: _smooth_rows(top, bottom, planes, hidden, taps, back), strips, threads)


@compiled
def _smooth_rows(
    top: int, bottom: int, planes: FloatArray, hidden: NDArray[np.bool_], taps: NDArray[np.float64], back: FloatArray
) -> None:
    """Write the hidden pixels of rows [top, bottom) of ``back``.

    ``planes``: (4,H,W), colours and weight, 0 where unknown; ``taps``: the kernel from its end to its middle.
    """
    width, reach = hidden.shape[1], len(taps) - 1
    line = np.empty((4, width + 2 * reach), np.float32)
    for y in range(top, bottom):
        if hidden[y].any():
            for c in range(4):
                _filter_down(planes[c], y, taps, line[c])
            for x in range(width):
                if hidden[y, x]:
                    weight = max(_filter_along(line[3], x, taps), np.float32(1e-6))
                    for c in range(3):
                        back[y, x, c] = _filter_along(line[c], x, taps) / weight


@compiled
def _filter_down(plane: FloatArray, y: int, taps: NDArray[np.float64], line: FloatArray) -> None:
    """Write row ``y`` of (H,W), filtered down its columns and mirrored at both ends, into ``line``."""
    (height, width), reach = plane.shape, len(taps) - 1
    sums, middle = np.empty(width, np.float64), plane[y]
    for x in range(width):
        sums[x] = np.float64(middle[x]) * taps[reach]
    for k in range(reach):
        above, below = plane[_mirror(y + k - reach, height)], plane[_mirror(y + reach - k, height)]
        for x in range(width):
            sums[x] += (np.float64(above[x]) + np.float64(below[x])) * taps[k]
    for i in range(len(line)):
        line[i] = sums[_mirror(i - reach, width)]


@compiled
def _mirror(index: int, size: int) -> int:
    """Index of a pixel beyond the border: d c b a | a b c d | d c b a."""
    index %= 2 * size
    return min(index, 2 * size - 1 - index)


@compiled
def _filter_along(line: FloatArray, x: int, taps: NDArray[np.float64]) -> np.float32:
    reach = len(taps) - 1
    total = np.float64(line[x + reach]) * taps[reach]
    for k in range(reach):
        total += (np.float64(line[x + k]) + np.float64(line[x + 2 * reach - k])) * taps[k]
    return np.float32(total)
