"""The nearest seed on a farther surface, for every pixel: four sweeps, each of which carries seeds to a quarter turn.

A sweep goes line by line, down, up, left or right. A pixel asks its three neighbours of the line before, sixteen pixels
at a time, for the seed that each found and whether it is one, and keeps the nearest that lies far enough behind it.
The nearest of all four sweeps is the result. A seed reaches whom it can be handed to over pixels that it lies behind.
Source: Danielsson, "Euclidean distance mapping", 1980.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ....core.compiled import compiled
from ....core.lanes import LANES, fill, load, select, store
from ..surfaces import FloatArray
from .strips import run_strips, split_rows

REACH_PX = 128
"""Farther seeds are not found: what a lens of this radius sees behind an edge lies nearer."""

NO_SEED = np.float32(np.inf)
NONE = np.int32(-1)


class _Sweep(NamedTuple):
    """In which order pixels come: pixel ``b`` of line ``a`` is at ``first + a * line_step + b * pixel_step``, flat."""

    first: int
    line_step: int
    pixel_step: int
    lines: int
    length: int


def find_farther_seeds(seeds: FloatArray, disparity: FloatArray, jump: float) -> NDArray[np.int32]:
    """Return the nearest seed whose disparity is less than the pixel's by over ``jump``: (H,W) int32, flat index or -1.

    ``seeds``: (H,W) float32, its disparity where a pixel is a seed, else NO_SEED; ``disparity``: (H,W) float32.
    """
    height, width = disparity.shape
    sweeps = (
        _Sweep(0, width, 1, height, width),
        _Sweep((height - 1) * width, -width, 1, height, width),
        _Sweep(0, 1, width, width, height),
        _Sweep(width - 1, -1, width, width, height),
    )
    found = np.empty((len(sweeps), 2, height * width), np.int16)
    nearest = np.empty((height, width), np.int32)
    flat, flat_seeds, gap, threads = disparity.ravel(), seeds.ravel(), np.float32(jump), torch.get_num_threads()

    def sweep(number: int, end: int) -> None:
        _sweep(flat, flat_seeds, gap, sweeps[number], found[number])

    def keep(top: int, bottom: int) -> None:
        _keep_nearest(top, bottom, found, sweeps, nearest)

    run_strips(sweep, [(number, number + 1) for number in range(len(sweeps))], threads)
    run_strips(keep, split_rows(np.ones(height), threads), threads)
    return nearest


@compiled
def _sweep(disparity: FloatArray, seeds: FloatArray, jump: np.float32, order: _Sweep, found: NDArray[np.int16]) -> None:
    """Write how many lines back and pixels aside the nearest seed of earlier lines is, (2,n), 0 lines for none.

    Only seeds within 45 degrees of the sweep's direction are found. ``disparity``, ``seeds``: (n,), flat. Sixteen lines
    at a time are copied, so that sweeps along rows use whole cache lines.
    """
    padded = (order.length + 3 * LANES - 1) // LANES * LANES
    limits, own = np.full((LANES, padded), -NO_SEED, np.float32), np.full((LANES, padded), NO_SEED, np.float32)
    depth, before = np.full((LANES, padded), NO_SEED, np.float32), np.full(padded, NO_SEED, np.float32)
    back, aside = np.zeros((LANES, padded), np.float32), np.zeros((LANES, padded), np.float32)
    for start in range(0, order.lines, LANES):
        count = min(LANES, order.lines - start)
        before[:] = own[-1]
        for b in range(order.length):
            for k in range(count):
                at = order.first + (start + k) * order.line_step + b * order.pixel_step
                limits[k, LANES + b], own[k, LANES + b] = disparity[at] - jump, seeds[at]
        for k in range(count):
            _hand_on(k, limits[k], own[k - 1] if k else before, depth, back, aside)
        for b in range(order.length):
            for k in range(count):
                at = order.first + (start + k) * order.line_step + b * order.pixel_step
                found[0, at], found[1, at] = np.int16(back[k, LANES + b]), np.int16(aside[k, LANES + b])


@compiled
def _hand_on(
    k: int, limits: FloatArray, seeds: FloatArray, depth: FloatArray, back: FloatArray, aside: FloatArray
) -> None:
    """Let the pixels of line ``k`` of a block choose among what the pixels of the line before found or are.

    ``limits``: (padded,), disparity that a seed must stay below; ``seeds``: of the line before. ``depth``, ``back``,
    ``aside``: (LANES,padded), what lines found, cyclic: disparity, lines back, pixels aside.
    """
    one, zero, none, reach = fill(np.float32(1)), fill(np.float32(0)), fill(NO_SEED), fill(np.float32(REACH_PX**2))
    for at in range(LANES, len(limits) - LANES, LANES):
        limit, best, best_depth, best_back, best_aside = load(limits, at), reach, none, zero, zero
        for i in range(-1, 2):
            shift = fill(np.float32(i))
            d, b, a = load(depth[k - 1], at + i), load(back[k - 1], at + i) + one, load(aside[k - 1], at + i) + shift
            squared = b * b + a * a
            nearer = (d < limit) & (squared < best)
            best, best_depth = select(nearer, squared, best), select(nearer, d, best_depth)
            best_back, best_aside = select(nearer, b, best_back), select(nearer, a, best_aside)
            d, squared = load(seeds, at + i), one + shift * shift
            nearer = (d < limit) & (squared < best)
            best, best_depth = select(nearer, squared, best), select(nearer, d, best_depth)
            best_back, best_aside = select(nearer, one, best_back), select(nearer, shift, best_aside)
        store(depth[k], at, best_depth)
        store(back[k], at, best_back)
        store(aside[k], at, best_aside)


@compiled
def _keep_nearest(
    top: int, bottom: int, found: NDArray[np.int16], sweeps: tuple[_Sweep, ...], nearest: NDArray[np.int32]
) -> None:
    """Write rows [top, bottom) of ``nearest`` (H,W); ``found``: (4,2,H*W), lines back and pixels aside."""
    width = nearest.shape[1]
    best = np.empty(width, np.int32)
    for y in range(top, bottom):
        best[:] = REACH_PX**2
        nearest[y] = NONE
        for n in range(len(sweeps)):
            back, aside = found[n, 0, y * width : (y + 1) * width], found[n, 1, y * width : (y + 1) * width]
            line_step, pixel_step = np.int32(sweeps[n].line_step), np.int32(sweeps[n].pixel_step)
            for x in range(width):
                b, a = np.int32(back[x]), np.int32(aside[x])
                squared = np.int32(b * b + a * a)
                if (b > 0) & (squared < best[x]):
                    best[x] = squared
                    nearest[y, x] = np.int32(y * width + x) - b * line_step + a * pixel_step
