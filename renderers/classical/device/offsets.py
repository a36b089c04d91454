"""The path that stays on a GPU: the definition as whole-image operations, with one weight map per eight offsets.

Everything is added in a fixed order, so the same machine gives the same bits. It runs on CPU tensors as well (slowly),
which is how it is tested without a GPU.
"""

import itertools

import torch
from torch import Tensor

from ....core.timing import stage


def scatter_on_device(linear: Tensor, radius_px: Tensor) -> Tensor:
    """Spread every pixel over its disc; see ``scatter_reference`` for the definition.

    ``linear``: (3,H,W), linear light, [0,inf); ``radius_px``: (H,W), >= 0, px; same device and dtype. Returns (3,H,W).
    The largest radius is the only value read back from the device. Work: H W (2 max(r) + 3)^2; memory beyond input and
    output: about six images.
    """
    height, width = radius_px.shape
    reach = int(radius_px.max()) + 1
    window = radius_px.floor() + 1
    light = torch.cat([linear, torch.ones_like(radius_px)[None]]) * (1.0 / (radius_px**2 + 0.2))
    sums = torch.zeros_like(light)
    weight, weighted = torch.empty_like(radius_px), torch.empty_like(light)
    for far in range(min(reach, max(height, width) - 1) + 1):
        inside = window >= far
        for near in range(min(far, min(height, width) - 1) + 1):
            torch.sub(radius_px, (far * far + near * near) ** 0.5, out=weight)
            weight.mul_(8).sigmoid_().mul_(inside)  # 1/2 + 1/2 tanh(4 t), exact in its tail
            torch.mul(light, weight, out=weighted)
            for dy, dx in mirrored_offsets(far, near):
                if abs(dy) < height and abs(dx) < width:
                    _add_shifted(sums, weighted, dy, dx)
    with stage("normalise"):
        return sums[:3] / sums[3]


def mirrored_offsets(far: int, near: int) -> list[tuple[int, int]]:
    """Return the up to eight offsets (dy, dx) that lie equally far: the signs and the order of both distances."""
    signed = [(a * far, b * near) for a, b in itertools.product((1, -1), repeat=2)]
    return sorted({*signed, *((dx, dy) for dy, dx in signed)})


def _add_shifted(sums: Tensor, light: Tensor, dy: int, dx: int) -> None:
    """Add ``light`` (C,H,W), moved down by ``dy`` and right by ``dx``, to ``sums`` in place."""
    height, width = sums.shape[1:]
    target = sums[:, max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
    target += light[:, max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
