"""The specification of Dr.Bokeh's renderer: it defines the truth, the other kernels are compared with it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .layers import LensLayer

RIM_SHARPNESS, RIM_FLOOR = 3.0, 0.1
DEPTH_SHARPNESS, DEPTH_STEP = 10.0, 0.1
REACH_BEYOND_PX = 8
"""Past its radius a disc is looked at for this many pixels more: the rest of its weight is below 4e-10."""


def render_reference(layers: Sequence[LensLayer]) -> Tensor:
    """Gather each layer's light and compose the layers front to back; return (3,H,W), linear.

    A source s at defocus c_s has the radius r = c_s + 1, px. To the pixel at ``distance`` from it it gives the weight

        alpha_s / r^2 * 0.1 / (0.1 + exp(-3 (r - distance))) * occlusion

    where occlusion is 1 for the pixel itself, else (1 - F) V + F with F = 1 - exp(-3 c^2), c the pixel's own defocus,
    and V = 1/2 + 1/2 tanh(10 (d_s - d - 0.1)): a pixel in focus sees only what is nearer. A layer's colour is the
    weighted mean; its opacity is the mean of alpha over the square of half size int((c + 1) / 2). The picture continues
    beyond its borders mirrored, without repeating the border pixels.

    ``layers``: front to back. Work: H W (max(r) + 8)^2 for each.

    Source: Dr.Bokeh (Sheng et al., CVPR 2024), the output of its CUDA kernel, whose window is cut at half the size of
    its option ``lens``; here nothing is cut.
    """
    picture, remaining = torch.zeros_like(layers[0].colour), torch.ones_like(layers[0].alpha)
    for layer in layers:
        opacity = _average_alpha(layer)
        picture = picture + remaining * opacity * _gather(layer)
        remaining = remaining * (1 - opacity)
    return picture


def _gather(layer: LensLayer) -> Tensor:
    """Return the weighted mean of the sources' colours, (3,H,W); 0 where there is no source."""
    height, width = layer.alpha.shape
    reach = math.ceil(float(layer.defocus_px.max())) + 1 + REACH_BEYOND_PX
    colour, alpha, depth, defocus_px = (
        _pad(plane, reach) for plane in (layer.colour, layer.alpha, layer.disparity, layer.defocus_px)
    )
    radius = defocus_px + 1
    blurred = 1 - torch.exp(-3 * layer.defocus_px**2)
    colour_sum, weight_sum = torch.zeros_like(layer.colour), torch.zeros_like(layer.alpha)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            at = (..., slice(reach + dy, reach + dy + height), slice(reach + dx, reach + dx + width))
            rim = RIM_FLOOR / (RIM_FLOOR + torch.exp(-RIM_SHARPNESS * (radius[at] - math.hypot(dy, dx))))
            weight = alpha[at] * rim / radius[at] ** 2
            if dy or dx:
                step = depth[at] - layer.disparity - DEPTH_STEP
                nearer = 0.5 + 0.5 * torch.tanh(DEPTH_SHARPNESS * step)
                weight = weight * ((1 - blurred) * nearer + blurred)
            colour_sum += weight * colour[at]
            weight_sum += weight
    return torch.where(weight_sum > 0, colour_sum / weight_sum, 0.0)


def _average_alpha(layer: LensLayer) -> Tensor:
    """Return the mean of alpha over each pixel's square, (H,W)."""
    half = ((layer.defocus_px + 1) / 2).long()
    reach = int(half.max())
    alpha = _pad(layer.alpha, reach)
    opacity = torch.empty_like(layer.alpha)
    for y in range(opacity.shape[0]):
        for x in range(opacity.shape[1]):
            h = int(half[y, x])
            opacity[y, x] = alpha[y + reach - h : y + reach + h + 1, x + reach - h : x + reach + h + 1].mean()
    return opacity


def _pad(planes: Tensor, margin: int) -> Tensor:
    """Continue (...,H,W) by ``margin`` pixels on each side, mirrored: c b | a b c."""
    widths = [(0, 0)] * (planes.ndim - 2) + [(margin, margin)] * 2
    return torch.from_numpy(np.pad(planes.numpy(), widths, mode="reflect"))
