"""CPU kernel of the classical renderer whose work grows with the radius instead of its square.

A row of a disc is flat but for its soft rim. So only the *changes* of the weight along the row are written, near the
rim, into an array of differences; one running sum along x then gives the sums of colour and weight. That is about
4 pi r T + 4 r additions per pixel, T half the width of the rim, against (2 floor(r) + 3)^2. The changes themselves are
computed once for neighbours of equal radius.

Accuracy: T leaves out the tail of the rim below a tolerance, so that the result is within 1e-4 (absolute, linear
light, highlights above 1 included) of the definition in float64.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....core.compiled import compiled
from .simd_add import add_scaled
from .soft_edge import EDGE_REACH_PX, soft_edge
from .strips import run_strips, split_rows

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

TOLERANCE = 4e-5
"""Share of a pixel's light that the cut tails of all rims may hold, where discs overlap fully."""

FULL_WEIGHT = 0.6
"""Rows with a smaller sum of weights than this are rendered again with longer tails (full overlap sums to about pi)."""

BAND_ROWS = 16
"""Rows that are rendered again together."""

WHOLE_RIM_BELOW_PX = np.float32(2.5)
"""Discs smaller than this are written whole: their window, +-(floor(r) + 1), ends inside the rim."""

_LONGEST_TAIL_PX = np.float32(EDGE_REACH_PX - 0.1)
_SHORTEST_TAIL_PX = np.float32(0.45)


def scatter_spans(linear: Tensor, radius_px: Tensor, threads: int | None = None) -> Tensor:
    """Spread every pixel over its disc; see ``scatter_reference`` for the definition.

    ``linear``: (3,H,W) float32 on the CPU, linear light, [0,inf); ``radius_px``: (H,W) float32, >= 0, px;
    ``threads``: as many as torch uses if None; the result does not depend on it, bit for bit. Returns (3,H,W) float32.
    Memory beyond input and output: one strip of sums per thread, together at most 2.7 images.
    """
    colours = np.ascontiguousarray(linear.detach().numpy())
    radii = np.ascontiguousarray(radius_px.detach().numpy())
    height = radii.shape[0]
    threads = threads or torch.get_num_threads()
    output, lightest = np.empty_like(colours), np.empty(height)
    tolerance = TOLERANCE / max(1.0, float(colours.max()))

    def render(top: int, bottom: int) -> None:
        _scatter_strip(colours, radii, top, bottom, tolerance, output, lightest)

    def render_again(top: int, bottom: int) -> None:
        finer = tolerance * lightest[top:bottom].min() / FULL_WEIGHT
        _scatter_strip(colours, radii, top, bottom, finer, output, lightest)

    run_strips(render, split_rows(radii.mean(axis=1) + 1, threads), threads)
    bands = [(top, min(top + BAND_ROWS, height)) for top in range(0, height, BAND_ROWS)]
    run_strips(render_again, [band for band in bands if lightest[slice(*band)].min() < FULL_WEIGHT], threads)
    return torch.from_numpy(output)


@compiled
def _scatter_strip(
    linear: Floats, radius: Floats, top: int, bottom: int, tolerance: float, output: Floats, lightest: Doubles
) -> None:
    """Write rows [top, bottom) of ``output`` (3,H,W) and the smallest sum of weights of each row, ``lightest`` (H,)."""
    height, width = radius.shape
    pitch = 4 * ((width + 1) | 1)  # one column more for spans that leave the image; odd: spares cache conflicts
    sums = np.zeros((bottom - top) * pitch)  # float64: a bright small disc must cancel below a faint large one
    covering = np.float32(height + width + 2 * _LONGEST_TAIL_PX)  # larger discs are flat over the whole image
    largest = min(radius.max(), covering)
    reach = int(largest) + 1
    first, start = np.empty(reach + 1, np.int64), np.empty(reach + 2, np.int64)
    change = np.empty(_bound_changes(largest))
    rows, measured = np.int64(0), np.float32(-1)
    for y in range(max(0, top - reach), min(height, bottom + reach)):
        first_dy = max(0, top - y, y - bottom + 1)
        for x in range(width):
            r = min(radius[y, x], covering)
            if np.int64(r) + 1 >= first_dy:
                if r != measured:  # neighbours on one plane, or in a quantised map, have the same rim
                    rows, measured = _measure_rim(r, _tail_px(r, tolerance), first, start, change), r
                weight = 1.0 / (np.float64(radius[y, x]) ** 2 + 0.2)
                red, green, blue = linear[0, y, x] * weight, linear[1, y, x] * weight, linear[2, y, x] * weight
                last_dy = min(rows - 1, max(bottom - 1 - y, y - top))
                _add_disc(
                    sums,
                    pitch,
                    width,
                    top,
                    bottom,
                    y,
                    x,
                    first_dy,
                    last_dy,
                    first,
                    start,
                    change,
                    red,
                    green,
                    blue,
                    weight,
                )
    _resolve(sums, pitch, top, bottom, output, lightest)


@compiled
def _tail_px(r: np.float32, tolerance: float) -> np.float32:
    """Half the width T of the rim to write.

    The ring beyond r + T would hold exp(-8 T) / (4 r) of a continuous disc's light. The pixels of a small disc lie at
    few distances, so it needs more: with r^1.5 in place of r the measured errors are about even.
    """
    if r < WHOLE_RIM_BELOW_PX:
        return np.float32(2.0) * _LONGEST_TAIL_PX
    tail = np.float32(-0.125 * math.log(tolerance * 0.5 * r * math.sqrt(r)))
    return min(max(tail, _SHORTEST_TAIL_PX), _LONGEST_TAIL_PX)


@compiled
def _bound_changes(largest: np.float32) -> np.int64:
    """Bound the changes of weight in a quarter of any disc up to this radius.

    A row has one change for each column that the rim cuts, and one for the end. The widths of the rows sum to at most
    the area of a quarter of the rim, pi r T, plus r + T.
    """
    widest = 2 * _LONGEST_TAIL_PX
    return np.int64(math.pi * max(largest, widest) * widest + 3 * (largest + widest)) + 8


@compiled
def _measure_rim(r: np.float32, tail: np.float32, first: Integers, start: Integers, change: Doubles) -> np.int64:
    """Write by how much the weight of a disc falls along its rows dy = 0, 1, ...; returns how many rows there are.

    Row dy is flat before column ``first[dy]``; from there on, ``change[start[dy] : start[dy + 1]]`` are the falls.
    """
    window = np.int64(r) + 1
    inner_squared = (r - tail) * (r - tail) if r > tail else np.float32(-1)
    outer_squared = (r + tail) * (r + tail)
    place = start[0] = np.int64(0)
    for dy in range(window + 1):
        dy_squared = np.float32(dy * dy)
        if dy_squared >= outer_squared:
            return np.int64(dy)
        last = min(window, np.int64(math.sqrt(outer_squared - dy_squared)))
        if dy_squared <= inner_squared:
            flat, edge = np.int64(math.sqrt(inner_squared - dy_squared)), np.float32(1)
        else:
            flat, edge = np.int64(0), soft_edge(r - np.float32(dy))
        first[dy] = flat + 1
        for dx in range(flat + 1, last + 2):
            nearer = edge
            edge = soft_edge(r - math.sqrt(dy_squared + np.float32(dx * dx))) if dx <= last else np.float32(0)
            change[place] = nearer - edge
            place += 1
        start[dy + 1] = place
    return window + 1


@compiled
def _add_disc(
    sums: Doubles,
    pitch: int,
    width: int,
    top: int,
    bottom: int,
    y: int,
    x: int,
    first_dy: int,
    last_dy: int,
    first: Integers,
    start: Integers,
    change: Doubles,
    red: float,
    green: float,
    blue: float,
    weight: float,
) -> None:
    """Write the changes of rows y - dy and y + dy, dy from first to last, as far as they lie in [top, bottom)."""
    for dy in range(first_dy, last_dy + 1):
        above = (y - dy - top) * pitch if dy > 0 and top <= y - dy < bottom else np.int64(-1)
        below = (y + dy - top) * pitch if top <= y + dy < bottom else np.int64(-1)
        one, other = (below, above) if below >= 0 else (above, below)  # ``one`` is always inside
        dx = first[dy]
        for place in range(start[dy], start[dy + 1]):
            step = change[place]
            left, right = 4 * max(x - dx + 1, 0), 4 * min(x + dx, width)
            dx += 1
            add_scaled(sums, one + left, step, red, green, blue, weight)
            add_scaled(sums, one + right, -step, red, green, blue, weight)
            if other >= 0:
                add_scaled(sums, other + left, step, red, green, blue, weight)
                add_scaled(sums, other + right, -step, red, green, blue, weight)


@compiled
def _resolve(sums: Doubles, pitch: int, top: int, bottom: int, output: Floats, lightest: Doubles) -> None:
    """Sum the differences along x and divide colour by weight."""
    width = output.shape[2]
    for y in range(top, bottom):
        red = green = blue = weight = 0.0
        lightest[y] = np.inf
        for x in range(width):
            start = (y - top) * pitch + 4 * x
            red += sums[start]
            green += sums[start + 1]
            blue += sums[start + 2]
            weight += sums[start + 3]
            lightest[y] = min(lightest[y], weight)
            output[0, y, x], output[1, y, x], output[2, y, x] = red / weight, green / weight, blue / weight
