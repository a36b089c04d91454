"""The span scatter on a CUDA device: work N r, by atomic additions of integers, so that every run gives the same bits.

As in ``spans``: along each row of a disc the weight changes only near the rim. One program takes a run of pixels and
one row offset dy, and adds each change, times colour and weight, to an array of differences; a running sum along x
gives the sums. The array is int64 in fixed point: integer additions commute, so their order, which atomics leave open,
does not matter, and a bright small disc cancels exactly below a faint large one.

Needs the package triton, which comes with PyTorch's CUDA builds. With ``TRITON_INTERPRET=1`` the kernel runs on the
CPU, which is how it is tested without a GPU.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from ....core.timing import stage
from ..cpu.disc_tiles import LONGEST_TAIL_PX, SHORTEST_TAIL_PX, WHOLE_RIM_BELOW_PX
from ..cpu.spans import FULL_WEIGHT, TOLERANCE

BLOCK = 128
"""Pixels of a program: neighbours along x, so that their additions fall on neighbouring addresses."""

CONSTANTS = {
    "BLOCK": BLOCK,
    "WHOLE_RIM_BELOW_PX": float(WHOLE_RIM_BELOW_PX),
    "SHORTEST_TAIL_PX": float(SHORTEST_TAIL_PX),
    "LONGEST_TAIL_PX": float(LONGEST_TAIL_PX),
}
"""What the kernel is compiled with."""

HEADROOM_BITS = 62
LARGEST_WEIGHT = 5.0
"""Of a pixel of radius 0: 1 / 0.2."""


def scatter_triton(linear: Tensor, radius_px: Tensor) -> Tensor:
    """Spread every pixel over its disc; see ``scatter_reference`` for the definition.

    ``linear``: (3,H,W) float32, linear light, [0,inf); ``radius_px``: (H,W) float32, >= 0, px; on one CUDA device.
    Returns (3,H,W) float32, within 1e-4 of the definition in float64, the same bits each time. Reads back the largest
    radius and colour and the smallest sum of weights. Memory beyond input and output: 32 bytes per pixel, and as much
    again for a moment.
    """
    height, width = radius_px.shape
    largest_px = min(float(radius_px.max()), height + width + 2 * float(LONGEST_TAIL_PX))
    brightest = max(1.0, float(linear.max()))
    tolerance = TOLERANCE / brightest
    sums = _sum_spans(linear, radius_px, largest_px, brightest, tolerance)
    lightest = float(sums[..., 3].min())
    if lightest < FULL_WEIGHT:  # few discs overlap somewhere: the cut tails of the rims would weigh more there
        sums = _sum_spans(linear, radius_px, largest_px, brightest, tolerance * lightest / FULL_WEIGHT)
    with stage("normalise"):
        return (sums[..., :3] / sums[..., 3:]).permute(2, 0, 1).to(torch.float32).contiguous()


def _sum_spans(linear: Tensor, radius_px: Tensor, largest_px: float, brightest: float, tolerance: float) -> Tensor:
    """Return the sums of colour and weight (H,W,4) float64."""
    height, width = radius_px.shape
    reach = int(largest_px) + 1
    scale = fixed_point_scale(width, reach, brightest)
    steps = torch.zeros(height, width + 1, 4, dtype=torch.int64, device=linear.device)  # one column more: spans may end
    grid = (triton.cdiv(height * width, BLOCK), 2 * reach + 1)
    sizes = height, width, reach, largest_px, tolerance, scale
    _add_spans[grid](linear.contiguous(), radius_px.contiguous(), steps, *sizes, **CONSTANTS)
    return steps.cumsum(1)[:, :width].to(torch.float64) / scale


def fixed_point_scale(width: int, reach: int, brightest: float) -> float:
    """Return the power of two that differences are multiplied by, as large as the sums of a row allow in 63 bits."""
    largest_sum = brightest * LARGEST_WEIGHT * width * (2 * reach + 1)
    return 2.0 ** (HEADROOM_BITS - math.ceil(math.log2(largest_sum)))


@triton.jit
def _rim(distance_px, r):  # type: ignore[no-untyped-def]  # triton takes no annotations
    """Return 1/2 + 1/2 tanh(4 (r - distance))."""
    return 1.0 / (1.0 + tl.exp(tl.minimum(8.0 * (distance_px - r), 80.0)))


@triton.jit
def _add_fixed(steps, address, value, scale, mask):  # type: ignore[no-untyped-def]
    fixed = tl.floor(value.to(tl.float64) * scale + 0.5).to(tl.int64)
    tl.atomic_add(steps + address, fixed, mask=mask, sem="relaxed")


@triton.jit
def _add_spans(  # type: ignore[no-untyped-def]
    linear,
    radius_px,
    steps,
    height,
    width,
    reach,
    largest_px,
    tolerance,
    scale,
    BLOCK: tl.constexpr,
    WHOLE_RIM_BELOW_PX: tl.constexpr,  # this and what follows: as in ``disc_tiles``
    SHORTEST_TAIL_PX: tl.constexpr,
    LONGEST_TAIL_PX: tl.constexpr,
):
    """Write the changes of weight along row y + dy of BLOCK pixels' discs, dy from the second grid axis."""
    dy = tl.program_id(1) - reach
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < height * width
    y, x = pixel // width, pixel % width
    whole = tl.load(radius_px + pixel, mask=inside, other=0.0)
    r = tl.minimum(whole, largest_px)
    window = tl.floor(r) + 1.0
    across = tl.abs(dy).to(tl.float32)
    # Half the width of the rim to write: see ``disc_tiles.tail_px``.
    tail = -0.125 * tl.log(tolerance * 0.5 * r * tl.sqrt(r) + 1e-30)
    tail = tl.minimum(tl.maximum(tail, SHORTEST_TAIL_PX), LONGEST_TAIL_PX)
    tail = tl.where(r < WHOLE_RIM_BELOW_PX, 2.0 * LONGEST_TAIL_PX, tail)
    outer = (r + tail) * (r + tail) - across * across
    inner = tl.where(r > tail, (r - tail) * (r - tail) - across * across, -1.0)
    row = y + dy
    drawn = inside & (across <= window) & (outer > 0.0) & (row >= 0) & (row < height)
    first = tl.where(inner >= 0.0, tl.floor(tl.sqrt(tl.maximum(inner, 0.0))), 0.0)  # flat up to here
    last = tl.minimum(window, tl.floor(tl.sqrt(tl.maximum(outer, 0.0))))  # nothing beyond
    changes = tl.max(tl.where(drawn, last - first + 1.0, 0.0), axis=0).to(tl.int32)

    weight = 1.0 / (whole * whole + 0.2)
    area = height * width
    red = tl.load(linear + pixel, mask=inside, other=0.0) * weight
    green = tl.load(linear + area + pixel, mask=inside, other=0.0) * weight
    blue = tl.load(linear + 2 * area + pixel, mask=inside, other=0.0) * weight
    start = row.to(tl.int64) * (width + 1)
    nearer = tl.where(inner >= 0.0, 1.0, _rim(across, r))
    for n in range(changes):
        dx = first + 1.0 + n
        edge = tl.where(dx <= last, _rim(tl.sqrt(dx * dx + across * across), r), 0.0)
        change = nearer - edge
        nearer = edge
        active = drawn & (dx <= last + 1.0)
        column = dx.to(tl.int32)
        begin = 4 * (start + tl.maximum(x - column + 1, 0))
        end = 4 * (start + tl.minimum(x + column, width))
        _add_fixed(steps, begin, change * red, scale, active)
        _add_fixed(steps, begin + 1, change * green, scale, active)
        _add_fixed(steps, begin + 2, change * blue, scale, active)
        _add_fixed(steps, begin + 3, change * weight, scale, active)
        _add_fixed(steps, end, -change * red, scale, active)
        _add_fixed(steps, end + 1, -change * green, scale, active)
        _add_fixed(steps, end + 2, -change * blue, scale, active)
        _add_fixed(steps, end + 3, -change * weight, scale, active)
