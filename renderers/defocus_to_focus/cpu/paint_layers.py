"""Layers painted one over the other on the CPU: each is masked, blurred by the steps of its disc, and laid on.

Work is proportional to the rows of the discs and their rims, and rows that a layer does not reach cost nothing. Each
output row is computed by itself, in a fixed order: the same bits for any number of threads.
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
OPEN, SHUT = 17.0, -11.6
"""Arguments of the masks' sigmoid above which it is 1 in float32, below which (under 1e-5) it is taken for 0."""


def paint_layers(values: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return ``values`` (C,H,W) as the layers show them, premultiplied, (C,H,W) float32; see ``layered.paint_layers``.

    ``defocus``: (H,W). Both float32 on the CPU.
    """
    source = np.ascontiguousarray(values.detach().numpy(), dtype=np.float32)
    depth = np.ascontiguousarray(defocus.detach().numpy(), dtype=np.float32)
    painted = np.zeros_like(source)
    height, threads = source.shape[1], torch.get_num_threads()
    strips = [(top, min(top + STRIP_ROWS, height)) for top in range(0, height, STRIP_ROWS)]
    widest = source.shape[2] + len(layering.kernel_of(layering.count - 1))
    memory = np.empty(height * (len(source) + 1) * widest, np.float32)  # once: new pages cost as much as a layer
    masks = np.empty_like(depth)
    for layer in layering.layers:
        _mask(layer, depth, layering, masks, strips, threads)
        if layer.index == 0:
            run_strips(lambda top, bottom: _lay_sharp(source, masks, top, bottom, painted), strips, threads)
        elif masks.any():
            steps = _steps_of(layering, layer.index)
            _paint(steps, source, masks, painted, memory, strips, threads)
    return torch.from_numpy(painted)


def compile_kernels() -> None:
    """Compile for the CPU, on a tiny picture."""
    paint_layers(torch.ones(1, 4, 4), torch.full((4, 4), 0.3), Layering())


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


def _paint(
    steps: RowSteps,
    source: Floats,
    masks: Floats,
    painted: Floats,
    memory: Floats,
    strips: list[tuple[int, int]],
    threads: int,
) -> None:
    count, height, width = source.shape
    reach = steps.reach
    shape = (height, count + 1, width + 2 * reach)
    lines = memory[: math.prod(shape)].reshape(shape)
    extents = np.empty((height, 2), np.int32)

    def fill(top: int, bottom: int) -> None:
        _fill_lines(source, masks, reach, top, bottom, lines, extents)

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
    source: Floats, masks: Floats, reach: int, top: int, bottom: int, lines: Floats, extents: Integers
) -> None:
    """Write mask and masked values of each row, (C+1,r+W+r), with borders that mirror the row.

    ``extents``: from which x, counted from the picture's left, up to which a row, with its borders, holds anything.
    """
    count, _, width = source.shape
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
        for c in range(count + 1):
            line, mask = lines[y, c], masks[y]
            inner = line[reach : reach + width]
            if c == 0:
                inner[:] = mask
            else:
                row = source[c - 1, y]
                for x in range(width):
                    inner[x] = mask[x] * row[x]
            for x in range(1, reach + 1):
                line[reach - x] = inner[mirrored(-x, width)]
                line[reach + width - 1 + x] = inner[mirrored(width - 1 + x, width)]


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
    """Blur the layer and lay it over ``painted`` (C,H,W), rows ``top`` to ``bottom``."""
    count, height, width = painted.shape
    reach = len(rows) - 1
    all_sums = np.empty((count + 1) * lines.shape[2], np.float32)
    all_changes = np.empty((count + 1) * lines.shape[2], np.float32)
    begin = np.empty(count + 1, np.float32)
    for y in range(top, bottom):
        first, last = _extent(extents, y, reach)
        left, right = max(0, first - reach), min(width, last + reach)
        if left >= right:
            continue
        # What of the row is needed, channel after channel: steps then run over all of them at once. What they read
        # across the border of two channels is never used.
        stride = right - left + 2 * reach
        sums = all_sums[: (count + 1) * stride]
        changes = all_changes[: (count + 1) * stride - 2 * reach]
        changes[:] = 0.0
        begin[:] = 0.0
        for step in range(reach + 1):
            above, below = mirrored(y - step, height), mirrored(y + step, height)
            if extents[above, 1] == extents[above, 0] and extents[below, 1] == extents[below, 0]:
                continue
            _add_rows(lines, extents, above, below, step > 0, left, stride, sums)
            for c in range(count + 1):
                begin[c] += _blur_one(sums[c * stride : c * stride + 2 * reach + 1], rows[step])
            size = len(changes) - 1
            for k in range(begins[step], begins[step + 1]):
                ahead, behind = 1 + reach + offsets[k], reach - offsets[k]
                _add_step(changes[1:], sums[ahead : ahead + size], sums[behind : behind + size], sizes[k])
        _lay_on(begin, changes, stride, left, right, y, painted)


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
def _add_rows(
    lines: Floats, extents: Integers, above: int, below: int, both: bool, left: int, stride: int, sums: Floats
) -> None:
    """Write the sum of two rows of ``lines``, or the only one that holds anything, from column ``left`` on."""
    one = above
    if extents[above, 1] == extents[above, 0]:
        one, both = below, False
    elif extents[below, 1] == extents[below, 0]:
        both = False
    for c in range(lines.shape[1]):
        total = sums[c * stride : (c + 1) * stride]
        upper, lower = lines[one, c, left : left + stride], lines[below, c, left : left + stride]
        if both:
            for x in range(stride):  # slices, and places counted from 0: what a compiler turns into vectors
                total[x] = upper[x] + lower[x]
        else:
            total[:] = upper


@compiled
def _add_step(change: Floats, ahead: Floats, behind: Floats, size: float) -> None:
    for x in range(len(change)):
        change[x] += size * (ahead[x] - behind[x])


@compiled(fastmath=True)
def _blur_one(line: Floats, row: Floats) -> float:
    """Return the first pixel of a blurred row: ``line`` (2r+1,), ``row`` (r+1,) from the middle outwards."""
    reach = len(row) - 1
    total = row[0] * line[reach]
    for x in range(1, len(row)):
        total += row[x] * (line[reach + x] + line[reach - x])
    return total


@compiled
def _lay_on(begin: Floats, changes: Floats, stride: int, left: int, right: int, y: int, painted: Floats) -> None:
    """Add the changes up along x, and lay the row over what is painted: R <- R (1 - alpha) + values."""
    width = right - left
    alpha = changes[:width]
    alpha[0] = begin[0]
    for x in range(1, width):
        alpha[x] += alpha[x - 1]
    for c in range(painted.shape[0]):
        total, row = begin[c + 1], painted[c, y, left:right]
        change = changes[(c + 1) * stride : (c + 1) * stride + width]
        row[0] = row[0] * (np.float32(1.0) - alpha[0]) + total
        for x in range(1, width):
            total += change[x]
            row[x] = row[x] * (np.float32(1.0) - alpha[x]) + total


@compiled
def _lay_sharp(source: Floats, masks: Floats, top: int, bottom: int, painted: Floats) -> None:
    """Lay the layer that is not blurred over ``painted``, rows ``top`` to ``bottom``."""
    for c in range(painted.shape[0]):
        for y in range(top, bottom):
            row, mask, values = painted[c, y], masks[y], source[c, y]
            for x in range(len(row)):
                row[x] = row[x] * (np.float32(1.0) - mask[x]) + mask[x] * values[x]
