"""CPU kernel of scatter through any convex aperture: row by row of the picture, the spots' intervals on a few lines.

An interval on a row is two changes of what arrives, each spread over two pixels; a running sum along the row gives the
sums of colour and weight. Rows do not depend on each other, so any number of threads gives the same bits.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....core.compiled import compiled
from ..aperture import FEW_SUBROWS, SHARP_PX, SMALL_PX, SUBROWS, Aperture
from .strips import run_strips, split_rows

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PIECES_A_THREAD = 8
PARALLEL = 1e-9
NOWHERE = (1.0, -1.0)


def scatter_aperture(linear: Tensor, defocus_px: Tensor, aperture: Aperture, threads: int | None = None) -> Tensor:
    """Spread every pixel over its spot; see ``scatter_aperture_reference`` for the definition.

    ``linear``: (3,H,W) float32 on the CPU, linear light, [0,inf); ``defocus_px``: (H,W) float32, signed, px;
    ``threads``: as many as torch uses if None. Returns (3,H,W) float32. Work: H W r; sums are of float64, light is
    within 1e-6 of the definition.
    """
    colours = np.ascontiguousarray(linear.detach().numpy())
    defocus = np.ascontiguousarray(defocus_px.detach().numpy())
    threads = threads or torch.get_num_threads()
    edges, cat_eye = sort_edges(aperture.edges), aperture.cat_eye
    strips = split_rows(np.ones(len(defocus)), PIECES_A_THREAD * threads)
    light, output = np.empty((*defocus.shape, 4), np.float32), np.empty_like(colours)
    run_strips(lambda top, bottom: _share_light(top, bottom, colours, defocus, edges, cat_eye, light), strips, threads)
    run_strips(lambda top, bottom: _gather_rows(top, bottom, light, defocus, edges, cat_eye, output), strips, threads)
    return torch.from_numpy(output)


def sort_edges(edges: Doubles) -> Doubles:
    """Return each edge of ``Aperture.edges`` as side, a, b: on the line y = v the opening ends at x = a + b v.

    Side 1: to the right of it there is nothing, -1: to the left; 0: it is level, there is nothing where b v > a.
    """
    n_x, n_y, distance = edges.T
    level = np.abs(n_x) < PARALLEL
    divisor = np.where(level, 1.0, n_x)
    return np.stack(
        [np.where(level, 0.0, np.sign(n_x)), distance / divisor, np.where(level, n_y, -n_y / divisor)], axis=1
    )


@compiled
def _opening(v: float, centre_x: float, centre_y: float, edges: Doubles, cut: bool) -> tuple[float, float]:
    """Return where the cut opening starts and ends on the line y = v; the end lies before the start where it is not."""
    if abs(v) >= 1.0:
        return NOWHERE
    right = math.sqrt(1.0 - v * v)
    left = -right
    for k in range(edges.shape[0]):
        if edges[k, 0] > 0.0:
            right = min(right, edges[k, 1] + edges[k, 2] * v)
        elif edges[k, 0] < 0.0:
            left = max(left, edges[k, 1] + edges[k, 2] * v)
        elif edges[k, 2] * v > edges[k, 1]:
            return NOWHERE
    if cut:
        off = v - centre_y
        if abs(off) >= 1.0:
            return NOWHERE
        half = math.sqrt(1.0 - off * off)
        left, right = max(left, centre_x - half), min(right, centre_x + half)
    return left, right


@compiled
def _share_light(
    top: int, bottom: int, linear: Floats, defocus: Floats, edges: Doubles, cat_eye: float, light: Floats
) -> None:
    """Write what a pixel's spot gets for each px of its intervals: red, green, blue, and the weight.

    A spot that lies inside its own pixel is one interval of 1 px.
    """
    height, width = defocus.shape
    to_barrel = -cat_eye / (0.5 * math.sqrt(np.float64(height * height + width * width)))
    for y in range(top, bottom):
        for x in range(width):
            radius = np.float64(abs(defocus[y, x]))
            total = 0.0
            if radius > SHARP_PX:
                lines = SUBROWS if radius < SMALL_PX else FEW_SUBROWS
                centre_x, centre_y = to_barrel * (x + 0.5 - 0.5 * width), to_barrel * (y + 0.5 - 0.5 * height)
                last = lines * (int(radius) + 2)
                for line in range(-last, last):  # the turned spot has the same lines
                    left, right = _opening((line + 0.5) / lines / radius, centre_x, centre_y, edges, cat_eye > 0.0)
                    total += max(0.0, right - left) * radius
            share = np.float32(1.0 / total if total > 0.0 else 1.0)
            for channel in range(3):
                light[y, x, channel] = linear[channel, y, x] * share
            light[y, x, 3] = share


@compiled
def _gather_rows(
    top: int, bottom: int, light: Floats, defocus: Floats, edges: Doubles, cat_eye: float, output: Floats
) -> None:
    """Sum what arrives in rows [top, bottom), divide by its weight."""
    height, width = defocus.shape
    changes, reach = np.zeros(4 * (width + 2)), np.zeros(height)
    for y in range(height):
        for x in range(width):
            reach[y] = max(reach[y], abs(defocus[y, x]) + 1.0)
    farthest = int(reach.max())
    for target in range(top, bottom):
        changes[:] = 0.0
        for y in range(max(0, target - farthest), min(height, target + farthest + 1)):
            if abs(target - y) <= reach[y]:
                _add_row(y, target - y, light[y].reshape(-1), defocus, edges, cat_eye, changes)
        red = green = blue = weight = 0.0
        for x in range(width):
            red, green = red + changes[4 * x], green + changes[4 * x + 1]
            blue, weight = blue + changes[4 * x + 2], weight + changes[4 * x + 3]
            output[0, target, x] = red / weight
            output[1, target, x] = green / weight
            output[2, target, x] = blue / weight


@compiled
def _add_row(y: int, dy: int, light: Floats, defocus: Floats, edges: Doubles, cat_eye: float, changes: Doubles) -> None:
    """Add the changes along row y + dy that the spots of the pixels of row y make; ``light``: of that row, flat."""
    height, width = defocus.shape
    to_barrel = -cat_eye / (0.5 * math.sqrt(np.float64(height * height + width * width)))
    centre_y = to_barrel * (y + 0.5 - 0.5 * height)
    first, last = -0.5, width - 0.5
    for x in range(width):
        signed = np.float64(defocus[y, x])
        radius = abs(signed)
        if abs(dy) > radius + 0.5:
            continue
        if radius <= SHARP_PX:
            _add_interval(x - 0.5, x + 0.5, light, x, changes)
            continue
        scale = -radius if signed > 0.0 else radius
        lines = SUBROWS if radius < SMALL_PX else FEW_SUBROWS
        centre_x = to_barrel * (x + 0.5 - 0.5 * width)
        for line in range(lines):
            v = (dy - 0.5 + (line + 0.5) / lines) / scale
            left, right = _opening(v, centre_x, centre_y, edges, cat_eye > 0.0)
            if left < right:
                one, other = x + scale * left, x + scale * right
                start, end = min(one, other), max(one, other)
                _add_interval(min(max(start, first), last), min(max(end, first), last), light, x, changes)


@compiled
def _add_interval(start: float, end: float, light: Floats, x: int, changes: Doubles) -> None:
    """Let the light of pixel x begin at ``start`` and stop at ``end``, pixel i reaching from i - 1/2 to i + 1/2.

    What begins inside a pixel covers it in part: it is spread over this change and the next.
    """
    begin, stop = np.int64(start + 0.5), np.int64(end + 0.5)
    late, more = start + 0.5 - begin, end + 0.5 - stop
    for channel in range(4):
        whole = np.float64(light[4 * x + channel])
        changes[4 * begin + channel] += (1.0 - late) * whole
        changes[4 * begin + 4 + channel] += late * whole
    for channel in range(4):
        whole = np.float64(light[4 * x + channel])
        changes[4 * stop + channel] -= (1.0 - more) * whole
        changes[4 * stop + 4 + channel] -= more * whole
