"""Layers painted one over the other on the CPU: each is masked, blurred by the steps of its disc, and laid on.

Work is proportional to the rows of the discs and their rims, and rows that a layer does not reach cost nothing. Each
output row is computed by itself, in a fixed order: the same bits for any number of threads.

A pixel's channels lie side by side, LANES of them, the first of which is the mask: what a processor computes at once.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....core.compiled import compiled
from ...classical.cpu.strips import run_strips
from ..layering import Layer, Layering
from .row_steps import RowSteps, find_steps

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

STRIP_ROWS = 32
LANES = 8
OPEN, SHUT = 17.0, -11.6
"""Arguments of the masks' sigmoid above which it is 1 in float32, below which (under 1e-5) it is taken for 0."""


def paint_layers(values: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return ``values`` (C,H,W) as the layers show them, premultiplied, (C,H,W) float32; see ``layered.paint_layers``.

    ``defocus``: (H,W). Both float32 on the CPU.
    """
    source = np.ascontiguousarray(values.detach().numpy(), dtype=np.float32)
    depth = np.ascontiguousarray(defocus.detach().numpy(), dtype=np.float32)
    pieces = [_paint(source[c : c + LANES - 1], depth, layering) for c in range(0, len(source), LANES - 1)]
    return torch.from_numpy(np.concatenate(pieces) if len(pieces) > 1 else pieces[0])


def compile_kernels() -> None:
    """Compile for the CPU, on a tiny picture."""
    paint_layers(torch.ones(1, 4, 4), torch.full((4, 4), 0.3), Layering())


def _paint(source: Floats, depth: Floats, layering: Layering) -> Floats:
    """Paint at most LANES - 1 channels (C,H,W)."""
    height, width = depth.shape
    threads = torch.get_num_threads()
    strips = [(top, min(top + STRIP_ROWS, height)) for top in range(0, height, STRIP_ROWS)]
    pixels = np.zeros((height, width, LANES), np.float32)
    pixels[..., 0] = 1.0
    pixels[..., 1 : len(source) + 1] = source.transpose(1, 2, 0)
    painted = np.zeros((height, width * LANES), np.float32)
    widest = width + len(layering.kernel_of(layering.count - 1)) - 1
    memory = np.empty(height * widest * LANES, np.float32)  # once: new pages cost as much as a layer
    masks = np.empty_like(depth)
    for layer in layering.layers:
        _mask(layer, depth, layering, masks, strips, threads)
        if layer.index == 0:
            run_strips(lambda top, bottom: _lay_sharp(pixels, masks, top, bottom, painted), strips, threads)
        elif masks.any():
            _paint_layer(_steps_of(layering, layer.index), pixels, masks, painted, memory, strips, threads)
    return np.ascontiguousarray(painted.reshape(pixels.shape)[..., 1 : len(source) + 1].transpose(2, 0, 1))


@lru_cache(maxsize=512)
def _steps_of(layering: Layering, index: int) -> RowSteps:
    return find_steps(layering.kernel_of(index))


def _mask(
    layer: Layer, depth: Floats, layering: Layering, masks: Floats, strips: list[tuple[int, int]], threads: int
) -> None:
    middle, half = layering.window(layer.index)
    steepness = 2.0 * layering.hardness

    def fill(top: int, bottom: int) -> None:
        _fill_mask(depth[top:bottom], middle, half, steepness, layer.side, masks[top:bottom])

    run_strips(fill, strips, threads)


def _paint_layer(
    steps: RowSteps,
    pixels: Floats,
    masks: Floats,
    painted: Floats,
    memory: Floats,
    strips: list[tuple[int, int]],
    threads: int,
) -> None:
    height, width, _ = pixels.shape
    reach = steps.reach
    shape = (height, (width + 2 * reach) * LANES)
    lines = memory[: math.prod(shape)].reshape(shape)
    extents = np.empty((height, 2), np.int32)

    def fill(top: int, bottom: int) -> None:
        _fill_lines(pixels, masks, reach, top, bottom, lines, extents)

    def paint(top: int, bottom: int) -> None:
        _paint_rows(lines, extents, steps.rows, steps.begins, steps.offsets, steps.sizes, top, bottom, painted)

    run_strips(fill, strips, threads)
    run_strips(paint, strips, threads)


@compiled
def _fill_mask(depth: Floats, middle: float, half: float, steepness: float, side: int, masks: Floats) -> None:
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            amount = depth[y, x]
            if amount * side < 0.0 or (side != 0 and amount == 0.0):
                masks[y, x] = 0.0
                continue
            distance = steepness * (half - abs(abs(amount) - middle))
            if distance > OPEN:
                masks[y, x] = 1.0
            elif distance < SHUT:
                masks[y, x] = 0.0
            else:
                masks[y, x] = 1.0 / (1.0 + math.exp(-distance))


@compiled
def _fill_lines(
    pixels: Floats, masks: Floats, reach: int, top: int, bottom: int, lines: Floats, extents: Integers
) -> None:
    """Write the masked pixels of each row, (r+W+r) times LANES, with borders that mirror the row.

    ``extents``: from which x, counted from the picture's left, up to which a row, with its borders, holds anything.
    """
    width = pixels.shape[1]
    for y in range(top, bottom):
        first, last = width, -1
        for x in range(width):
            if masks[y, x] > 0.0:
                first = min(first, x)
                last = x
        if last < 0:
            extents[y, 0], extents[y, 1] = 0, 0
            continue
        extents[y, 0] = -reach if first <= reach else first
        extents[y, 1] = width + reach if last >= width - 1 - reach else last + 1
        for x in range(-reach, width + reach):
            place = mirrored(x, width) if x < 0 or x >= width else x
            mask = masks[y, place]
            start = (reach + x) * LANES
            for c in range(LANES):
                lines[y, start + c] = mask * pixels[y, place, c]


@compiled
def mirrored(place: int, length: int) -> int:
    """Return where a place outside 0 to length - 1 lies in the row that is mirrored, again and again, at its ends."""
    if length == 1:
        return 0
    period = 2 * (length - 1)
    place = abs(place) % period
    return place if place < length else period - place


@compiled
def _paint_rows(
    lines: Floats,
    extents: Integers,
    rows: Floats,
    begins: Integers,
    offsets: Integers,
    sizes: Floats,
    top: int,
    bottom: int,
    painted: Floats,
) -> None:
    """Blur the layer and lay it over ``painted`` (H,W LANES), rows ``top`` to ``bottom``."""
    width = painted.shape[1] // LANES
    reach = len(rows) - 1
    all_sums = np.empty(lines.shape[1], np.float32)
    all_changes = np.empty(width * LANES, np.float32)
    for y in range(top, bottom):
        first, last = _extent(extents, y, reach)
        left, right = max(0, first - reach), min(width, last + reach)
        if left >= right:
            continue
        begin = max(left - 1, 0)  # a pixel that nothing reaches, or the first, which is blurred by itself
        sums, changes = all_sums[: (right - begin + 2 * reach) * LANES], all_changes[: (right - begin) * LANES]
        changes[:] = 0.0
        for step in range(reach + 1):
            if _add_rows(lines, extents, y, step, begin, sums):
                if left == 0:
                    _blur_one(sums, rows[step], changes)
                _add_steps(sums, offsets[begins[step] : begins[step + 1]], sizes[begins[step] :], reach, changes)
        _lay_on(changes, painted[y, begin * LANES : right * LANES])


@compiled
def _extent(extents: Integers, y: int, reach: int) -> tuple[int, int]:
    """Return from which x up to which any row within ``reach`` of ``y`` holds anything; an empty range where none."""
    first, last = 2**30, -(2**30)
    for step in range(-reach, reach + 1):
        row = mirrored(y + step, len(extents))
        if extents[row, 1] > extents[row, 0]:
            first, last = min(first, extents[row, 0]), max(last, extents[row, 1])
    return first, last


@compiled
def _add_rows(lines: Floats, extents: Integers, y: int, step: int, begin: int, sums: Floats) -> bool:
    """Write the sum of the rows ``step`` above and below ``y``, from column ``begin`` on; False where both are empty.

    ``sums``: (n LANES,).
    """
    above, below = mirrored(y - step, len(lines)), mirrored(y + step, len(lines))
    upper, lower = extents[above, 1] > extents[above, 0], extents[below, 1] > extents[below, 0]
    if not (upper or lower):
        return False
    start, stop = begin * LANES, begin * LANES + len(sums)
    first, second = lines[above if upper else below, start:stop], lines[below, start:stop]
    if upper and lower and step > 0:
        for i in range(len(sums)):  # slices, and places counted from 0: what a compiler turns into vectors
            sums[i] = first[i] + second[i]
    else:
        sums[:] = first
    return True


@compiled(fastmath=True)
def _blur_one(sums: Floats, row: Floats, changes: Floats) -> None:
    """Add a row's part of the first pixel to ``changes``; ``row`` (r+1,): weights from the middle outwards."""
    middle = (len(row) - 1) * LANES
    for c in range(LANES):
        changes[c] += row[0] * sums[middle + c]
    for x in range(1, len(row)):
        weight, aside = row[x], x * LANES
        for c in range(LANES):
            changes[c] += weight * (sums[middle - aside + c] + sums[middle + aside + c])


@compiled
def _add_steps(sums: Floats, offsets: Integers, sizes: Floats, reach: int, changes: Floats) -> None:
    """Add what a row's steps change from each pixel to the next."""
    size = len(changes) - LANES
    change = changes[LANES:]
    for k in range(0, len(offsets) - 1, 2):  # two at a time: what they change is read and written once
        ahead, ahead2 = sums[(1 + reach + offsets[k]) * LANES :], sums[(1 + reach + offsets[k + 1]) * LANES :]
        behind, behind2 = sums[(reach - offsets[k]) * LANES :], sums[(reach - offsets[k + 1]) * LANES :]
        weight, weight2 = sizes[k], sizes[k + 1]
        for i in range(size):
            change[i] += weight * (ahead[i] - behind[i]) + weight2 * (ahead2[i] - behind2[i])
    if len(offsets) % 2:
        offset, weight = offsets[-1], sizes[len(offsets) - 1]
        ahead, behind = sums[(1 + reach + offset) * LANES :], sums[(reach - offset) * LANES :]
        for i in range(size):
            change[i] += weight * (ahead[i] - behind[i])


@compiled
def _lay_on(changes: Floats, painted: Floats) -> None:
    """Add the changes up along x, and lay the pixels over what is painted: R <- R (1 - alpha) + values."""
    for i in range(LANES, len(changes)):
        changes[i] += changes[i - LANES]
    for start in range(0, len(changes), LANES):
        rest = np.float32(1.0) - changes[start]
        for c in range(LANES):
            painted[start + c] = painted[start + c] * rest + changes[start + c]


@compiled
def _lay_sharp(pixels: Floats, masks: Floats, top: int, bottom: int, painted: Floats) -> None:
    """Lay the layer that is not blurred over ``painted``, rows ``top`` to ``bottom``."""
    for y in range(top, bottom):
        for x in range(pixels.shape[1]):
            mask = masks[y, x]
            rest, start = np.float32(1.0) - mask, x * LANES
            for c in range(LANES):
                painted[y, start + c] = painted[y, start + c] * rest + mask * pixels[y, x, c]
