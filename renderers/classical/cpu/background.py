"""What the foreground hides: the surface beyond each depth edge, continued behind it.

Every pixel of a nearer surface takes disparity and colour of the nearest edge pixel of a farther one. The colours are
then smoothed along the hidden surface.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ....core.compiled import compiled
from ....core.lanes import LANES, any_of, fill, load, select, store
from ..surfaces import NOTHING, FloatArray, Surfaces
from .flood import NO_SEED, find_farther_seeds
from .strips import run_strips, split_rows

SEED_WINDOW_PX = 5
SMOOTHING_PX = 2.0
REACH_PX = int(4.0 * SMOOTHING_PX)
LEAST_KNOWN = np.float32(1e-6)
"""Bounds the division by the weight of what is known around a pixel."""

RED, KNOWN, HIDDEN, PLANES = 0, 3, 4, 5
"""Planes to smooth: three colours times known, 1 where the surface behind is known, 1 where it was found here."""

MARGIN = LANES
"""Columns either side of a row, mirrored."""


def complete_background(surfaces: Surfaces) -> Surfaces:
    """Fill ``back`` and ``back_disparity`` behind every edge, as far as seeds are found (``flood.py``)."""
    disparity, threads = surfaces.front_disparity, torch.get_num_threads()
    height, width = disparity.shape
    seeds, nearest_by = np.empty_like(disparity), cv2.dilate(disparity, np.ones((SEED_WINDOW_PX, SEED_WINDOW_PX)))
    back, back_disparity = np.empty_like(surfaces.back), np.empty_like(disparity)
    planes = np.empty((height, PLANES, _round_up(width) + 2 * MARGIN), np.float32)
    strips = split_rows(np.ones(height), threads)

    def mark(top: int, bottom: int) -> None:
        _mark_seeds(top, bottom, surfaces.front, disparity, surfaces.back_disparity, nearest_by, jump, seeds)

    def lay(top: int, bottom: int) -> None:
        _fill_hidden(
            top, bottom, sources, surfaces.front, disparity, surfaces.back, surfaces.back_disparity, back,
            back_disparity, planes,
        )  # fmt: skip

    jump = np.float32(surfaces.jump)
    run_strips(mark, strips, threads)
    sources = find_farther_seeds(seeds, disparity, surfaces.jump)
    run_strips(lay, strips, threads)
    taps = np.exp(-0.5 * np.square(np.arange(-REACH_PX, REACH_PX + 1) / SMOOTHING_PX))
    taps = (taps / taps.sum())[: REACH_PX + 1].astype(np.float32)
    work = split_rows(np.ones(height) + planes[:, HIDDEN].any(axis=1), threads)
    run_strips(lambda top, bottom: _smooth_rows(top, bottom, planes, taps, back), work, threads)
    return Surfaces(surfaces.front, disparity, back, back_disparity, surfaces.edges, surfaces.jump)


@compiled
def _round_up(width: int) -> int:
    return (width + LANES - 1) // LANES * LANES


@compiled
def _mark_seeds(
    top: int,
    bottom: int,
    front: FloatArray,
    disparity: FloatArray,
    back_disparity: FloatArray,
    nearest_by: FloatArray,
    jump: np.float32,
    seeds: FloatArray,
) -> None:
    """Write rows [top, bottom) of ``seeds`` (H,W): the disparity of opaque pixels beside something nearer, or NO_SEED.

    ``nearest_by``: (H,W), the largest disparity around each pixel.
    """
    for y in range(top, bottom):
        for x in range(seeds.shape[1]):
            beside = nearest_by[y, x] - disparity[y, x] > jump
            is_seed = beside and front[y, x, 3] >= 1 and back_disparity[y, x] == NOTHING
            seeds[y, x] = disparity[y, x] if is_seed else NO_SEED


@compiled
def _fill_hidden(
    top: int,
    bottom: int,
    sources: NDArray[np.int32],
    front: FloatArray,
    disparity: FloatArray,
    back: FloatArray,
    back_disparity: FloatArray,
    new_back: FloatArray,
    new_back_disparity: FloatArray,
    planes: FloatArray,
) -> None:
    """Write rows [top, bottom) of the completed surface behind, not yet smooth, and its ``planes`` (H,PLANES,columns).

    ``sources``: (H,W), flat index of the pixel that each continues, or -1.
    """
    width = sources.shape[1]
    for y in range(top, bottom):
        row = planes[y]
        for x in range(width):
            hidden = back_disparity[y, x] == NOTHING and sources[y, x] >= 0
            if hidden:
                j, i = divmod(sources[y, x], width)
                new_back_disparity[y, x] = disparity[j, i]
                for c in range(3):
                    new_back[y, x, c] = front[j, i, c]
            else:
                new_back_disparity[y, x] = back_disparity[y, x]
                for c in range(3):
                    new_back[y, x, c] = back[y, x, c]
            known = np.float32(new_back_disparity[y, x] > NOTHING)
            row[KNOWN, MARGIN + x], row[HIDDEN, MARGIN + x] = known, np.float32(hidden)
            for c in range(3):
                row[RED + c, MARGIN + x] = known * new_back[y, x, c]
        for at in range(MARGIN):
            _mirror_column(row, at, width)
        for at in range(MARGIN + width, row.shape[1]):
            _mirror_column(row, at, width)


@compiled
def _mirror_column(row: FloatArray, at: int, width: int) -> None:
    """Write a column outside the frame of one row's planes."""
    inside = MARGIN + mirror(at - MARGIN, width)
    for plane in range(HIDDEN):
        row[plane, at] = row[plane, inside]
    row[HIDDEN, at] = 0


@compiled
def mirror(index: int, size: int) -> int:
    """Index of a pixel beyond the border: d c b a | a b c d | d c b a."""
    index %= 2 * size
    return min(index, 2 * size - 1 - index)


@compiled
def _smooth_rows(top: int, bottom: int, planes: FloatArray, taps: FloatArray, back: FloatArray) -> None:
    """Smooth the hidden pixels of rows [top, bottom) of ``back`` among what is known.

    ``planes``: (H,PLANES,columns); ``taps``: the kernel from its end to its middle.
    """
    columns = planes.shape[2]
    line, smooth = np.empty((HIDDEN, columns), np.float32), np.empty((3, LANES), np.float32)
    for y in range(top, bottom):
        hidden = planes[y, HIDDEN]
        for at in range(0, columns, LANES):
            if _any_around(hidden, at):
                _filter_down(planes, y, at, taps, line)
        for at in range(MARGIN, columns - MARGIN, LANES):
            if any_of(fill(np.float32(0)) < load(hidden, at)):
                weight, least = _filter_along(line[KNOWN], at, taps), fill(LEAST_KNOWN)
                weight = select(weight < least, least, weight)
                for c in range(3):
                    store(smooth[c], 0, _filter_along(line[RED + c], at, taps) / weight)
                for i in range(min(LANES, MARGIN + back.shape[1] - at)):
                    if hidden[at + i] > 0:
                        for c in range(3):
                            back[y, at + i - MARGIN, c] = smooth[c, i]


@compiled
def _any_around(hidden: FloatArray, at: int) -> bool:
    here = load(hidden, at)
    if at > 0:
        here = here + load(hidden, at - LANES)
    if at + LANES < len(hidden):
        here = here + load(hidden, at + LANES)
    return any_of(fill(np.float32(0)) < here)


@compiled
def _filter_down(planes: FloatArray, y: int, at: int, taps: FloatArray, line: FloatArray) -> None:
    """Filter sixteen columns, from ``at`` on, down around row ``y``, mirrored at both ends, into ``line``."""
    height = planes.shape[0]
    for plane in range(HIDDEN):
        total = fill(taps[REACH_PX]) * load(planes[y, plane], at)
        for k in range(REACH_PX):
            above, below = mirror(y + k - REACH_PX, height), mirror(y + REACH_PX - k, height)
            total = total + fill(taps[k]) * (load(planes[above, plane], at) + load(planes[below, plane], at))
        store(line[plane], at, total)


@compiled
def _filter_along(line: FloatArray, at: int, taps: FloatArray):  # type: ignore[no-untyped-def]  # lanes
    total = fill(taps[REACH_PX]) * load(line, at)
    for k in range(REACH_PX):
        total = total + fill(taps[k]) * (load(line, at + k - REACH_PX) + load(line, at + REACH_PX - k))
    return total
