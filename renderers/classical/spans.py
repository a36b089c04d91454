"""CPU kernel of the classical renderer whose work grows with the radius instead of its square.

A row of a disc is flat but for its soft rim. So only the *changes* of the weight along the row are written, near the
rim, into an array of differences; one running sum along x then gives the sums of colour and weight. That is about
4 pi r T + 4 r additions per pixel, T half the width of the rim, against (2 floor(r) + 3)^2.

Accuracy: T leaves out the tail of the rim below a tolerance, so that the result is within 1e-4 (absolute, linear
light, highlights above 1 included) of the definition in float64.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .compiled import compiled
from .soft_edge import EDGE_REACH_PX, soft_edge
from .strips import run_strips, split_rows
from .vector_add import add_scaled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

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
    reach = int(min(radius.max(), covering)) + 1
    for y in range(max(0, top - reach), min(height, bottom + reach)):
        first_dy = max(0, top - y, y - bottom + 1)
        for x in range(width):
            r = min(radius[y, x], covering)
            if int(r) + 1 >= first_dy:
                weight = 1.0 / (np.float64(radius[y, x]) ** 2 + 0.2)
                red, green, blue = linear[0, y, x] * weight, linear[1, y, x] * weight, linear[2, y, x] * weight
                tail = _tail_px(r, tolerance)
                _add_disc(sums, pitch, width, top, bottom, first_dy, y, x, r, tail, red, green, blue, weight)
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
def _add_disc(
    sums: Doubles,
    pitch: int,
    width: int,
    top: int,
    bottom: int,
    first_dy: int,
    y: int,
    x: int,
    r: np.float32,
    tail: np.float32,
    red: float,
    green: float,
    blue: float,
    weight: float,
) -> None:
    """Write the differences of the disc's rows y - dy and y + dy as far as they lie in [top, bottom)."""
    window = int(r) + 1
    inner_squared = (r - tail) * (r - tail) if r > tail else np.float32(-1)
    outer_squared = (r + tail) * (r + tail)
    for dy in range(first_dy, min(window, max(bottom - 1 - y, y - top)) + 1):
        dy_squared = np.float32(dy * dy)
        if dy_squared >= outer_squared:
            break
        above = (y - dy - top) * pitch if dy > 0 and top <= y - dy < bottom else -1
        below = (y + dy - top) * pitch if top <= y + dy < bottom else -1
        one, other = (below, above) if below >= 0 else (above, below)  # ``one`` is always inside
        last = min(window, int(math.sqrt(outer_squared - dy_squared)))
        if dy_squared <= inner_squared:
            flat, edge = int(math.sqrt(inner_squared - dy_squared)), np.float32(1)
        else:
            flat, edge = 0, soft_edge(r - np.float32(dy))
        for dx in range(flat + 1, last + 2):
            nearer = edge
            edge = soft_edge(r - math.sqrt(dy_squared + np.float32(dx * dx))) if dx <= last else np.float32(0)
            step = np.float64(nearer - edge)
            left, right = 4 * max(x - dx + 1, 0), 4 * min(x + dx, width)
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
