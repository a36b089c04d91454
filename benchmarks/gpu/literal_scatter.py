"""The definition of the scatter as one Triton kernel of atomic additions: what the span kernel is measured against."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ...renderers.classical.device.triton_spans import _rim

BLOCK = 128


@triton.jit
def _add_pixels(linear, radius_px, sums, height, width, reach, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Add row y + dy of BLOCK pixels' discs to ``sums``, (4,H,W) float32, pixel by pixel, as the definition reads."""
    dy = tl.program_id(1) - reach
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < height * width
    y, x = pixel // width, pixel % width
    r = tl.load(radius_px + pixel, mask=inside, other=0.0)
    window = tl.floor(r).to(tl.int32) + 1
    row = y + dy
    drawn = inside & (tl.abs(dy) <= window) & (row >= 0) & (row < height)
    area = height * width
    scale = 1.0 / (r * r + 0.2)
    red = tl.load(linear + pixel, mask=inside, other=0.0)
    green = tl.load(linear + area + pixel, mask=inside, other=0.0)
    blue = tl.load(linear + 2 * area + pixel, mask=inside, other=0.0)
    far = tl.max(tl.where(drawn, window, -1), axis=0)
    for dx in range(-far, far + 1):
        distance_px = tl.sqrt((dx * dx + dy * dy).to(tl.float32))
        weight = scale * _rim(distance_px, r)
        active = drawn & (tl.abs(dx) <= window) & (x + dx >= 0) & (x + dx < width)
        target = sums + row * width + x + dx
        tl.atomic_add(target, weight * red, mask=active, sem="relaxed")
        tl.atomic_add(target + area, weight * green, mask=active, sem="relaxed")
        tl.atomic_add(target + 2 * area, weight * blue, mask=active, sem="relaxed")
        tl.atomic_add(target + 3 * area, weight, mask=active, sem="relaxed")


def scatter_literal(linear: Tensor, radius_px: Tensor) -> Tensor:
    """Spread every pixel over its disc by one atomic addition a pixel and channel; arguments as ``scatter_triton``.

    Returns (3,H,W) float32; the order of additions is left open, so that the last digits differ from call to call.
    """
    height, width = radius_px.shape
    reach = int(radius_px.max()) + 1
    sums = torch.zeros(4, height, width, device=linear.device)
    grid = (triton.cdiv(height * width, BLOCK), 2 * reach + 1)
    _add_pixels[grid](linear.contiguous(), radius_px.contiguous(), sums, height, width, reach, BLOCK)
    return sums[:3] / sums[3]
