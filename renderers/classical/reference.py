"""The specification of the classical renderer: it defines the truth, the other kernels are compared with it."""

import torch
from torch import Tensor


def scatter_reference(linear: Tensor, radius_px: Tensor) -> Tensor:
    """Spread every pixel over its disc and divide by the weight that arrives.

    A pixel of radius r adds its colour to each neighbour within +-(floor(r) + 1) rows and columns, with the weight
    (1/2 + 1/2 tanh(4 (r - distance))) / (r^2 + 0.2): a disc with a soft rim whose light does not depend on its size.

    ``linear``: (3,H,W), linear light, [0,inf); ``radius_px``: (H,W) of the same dtype and device, >= 0, px.
    Returns (3,H,W). Differentiable in both (the window itself is piecewise constant). Work: H W (2 max(r) + 3)^2.

    Source: BokehMe (Peng et al., CVPR 2022), classical renderer, the output of its CUDA kernel.
    """
    height, width = radius_px.shape
    window = radius_px.detach().floor() + 1
    reach = int(window.max())
    colour_sum, weight_sum = torch.zeros_like(linear), torch.zeros_like(radius_px)
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            distance = (dx * dx + dy * dy) ** 0.5
            weight = (0.5 + 0.5 * torch.tanh(4 * (radius_px - distance))) / (radius_px**2 + 0.2)
            weight = weight * (window >= max(abs(dx), abs(dy)))
            (to_y, from_y), (to_x, from_x) = _overlap(dy, height), _overlap(dx, width)
            colour_sum[:, to_y, to_x] += (weight * linear)[:, from_y, from_x]
            weight_sum[to_y, to_x] += weight[from_y, from_x]
    return colour_sum / weight_sum


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Return the slices of targets and sources whose indices differ by ``shift``."""
    return slice(max(0, shift), size + min(0, shift)), slice(max(0, -shift), size - max(0, shift))
