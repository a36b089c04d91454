"""Dr.Bokeh's gather on any device, in plain PyTorch: for each offset in reach, a strip of rows at a time.

A source's weight depends on its distance alone, so that up to eight offsets share one map of weights. Everything is
added in a fixed order, so the same machine gives the same bits. It runs on CPU tensors as well (slowly), which is how
it is tested without a GPU.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..classical.device.offsets import mirrored_offsets
from ..mirror import mirror
from .gather import BLURRED_BELOW, TAIL_PX
from .layers import LensLayer
from .opacity import average_alpha
from .reference import DEPTH_SHARPNESS, DEPTH_STEP, RIM_FLOOR, RIM_SHARPNESS

PIXELS_AT_ONCE = 1 << 22
"""Bounds the memory of a strip with what lies in reach of it: about 60 bytes per pixel."""


@dataclass(frozen=True, eq=False)
class _Sources:
    """A layer, continued beyond its borders: ``light`` (4,h,w), colours times alpha / r^2, and that itself."""

    light: Tensor
    radius_px: Tensor
    disparity: Tensor


def gather_on_device(layers: Sequence[LensLayer]) -> Tensor:
    """Gather and compose; see ``render_reference`` for the definition. Returns (3,H,W), linear, on the layers' device.

    Each layer's largest radius is read back from the device. Work: H W (max(r) + 4)^2 for each layer.
    """
    picture, remaining = torch.zeros_like(layers[0].colour), torch.ones_like(layers[0].alpha)
    for layer in layers:
        reach_px = float(torch.where(layer.alpha > 0, layer.defocus_px + (1 + TAIL_PX), 0.0).max())
        if reach_px == 0:
            continue
        share = remaining * average_alpha(layer)
        picture += share * _gather(layer, reach_px)
        remaining -= share
    return picture


def _gather(layer: LensLayer, reach_px: float) -> Tensor:
    margin, height = math.ceil(reach_px), layer.alpha.shape[0]
    radius_px = layer.defocus_px + 1
    light = torch.cat([layer.colour, torch.ones_like(layer.alpha)[None]]) * (layer.alpha / radius_px**2)
    planes = mirror(torch.cat([light, torch.stack([radius_px, layer.disparity])]), margin)
    sharp = torch.exp(-3 * layer.defocus_px**2)
    rows = max(PIXELS_AT_ONCE // planes.shape[2] - 2 * margin, 1)
    colour = torch.empty_like(layer.colour)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        around = planes[:, top : strip.stop + 2 * margin]
        sources = _Sources(light=around[:4], radius_px=around[4], disparity=around[5])
        sums = _gather_strip(sources, layer.disparity[strip], sharp[strip], reach_px)
        colour[:, strip] = torch.where(sums[3] > 0, sums[:3] / sums[3], 0.0)
    return colour


def _gather_strip(sources: _Sources, disparity: Tensor, sharp: Tensor, reach_px: float) -> Tensor:
    """Return the sums of colours and weights (4,rows,W); ``sharp``: 1 - F of the pixels (rows,W)."""
    margin, (height, width) = math.ceil(reach_px), disparity.shape
    own = (slice(margin, margin + height), slice(margin, margin + width))
    in_focus = bool((sharp > float(BLURRED_BELOW)).any())
    sums = torch.zeros(4, height, width, dtype=disparity.dtype, device=disparity.device)
    for far in range(int(reach_px) + 1):
        for near in range(min(far, int(math.sqrt(reach_px**2 - far**2))) + 1):
            rim = torch.sigmoid(RIM_SHARPNESS * (sources.radius_px - math.hypot(far, near)) + math.log(RIM_FLOOR))
            weighted = sources.light * rim
            for dy, dx in mirrored_offsets(far, near):
                at = (slice(own[0].start + dy, own[0].stop + dy), slice(own[1].start + dx, own[1].stop + dx))
                if in_focus and far:
                    step = sources.disparity[at] - disparity - DEPTH_STEP
                    seen = 1 - sharp * torch.sigmoid(-2 * DEPTH_SHARPNESS * step)
                    sums += weighted[(slice(None), *at)] * seen
                else:
                    sums += weighted[(slice(None), *at)]
    return sums
