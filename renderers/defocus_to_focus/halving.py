"""Pictures at half the size, again and again, and back."""

import torch.nn.functional as F
from torch import Tensor

from ..diffusion.padding import pad_to_multiple


def halve(maps: Tensor, halvings: int) -> Tensor:
    """Return maps (B,C,H,W) at 1 / 2^halvings of the size, sides rounded up: means of squares of pixels."""
    if halvings == 0:
        return maps
    side = 2**halvings
    return F.avg_pool2d(pad_to_multiple(maps, side), side)


def pick(maps: Tensor, halvings: int) -> Tensor:
    """Return maps at the same size by taking one pixel of each square: no value that was not there."""
    if halvings == 0:
        return maps
    side = 2**halvings
    padded = pad_to_multiple(maps, side)
    return padded[..., side // 2 :: side, side // 2 :: side]


def enlarge(maps: Tensor, halvings: int, size: tuple[int, int]) -> Tensor:
    """Return maps of the smaller size at ``size`` (rows, columns), bilinear."""
    if halvings == 0:
        return maps
    large = F.interpolate(maps, scale_factor=float(2**halvings), mode="bilinear", align_corners=False)
    return large[..., : size[0], : size[1]]


def fit(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return maps (B,C,H,W) at any other ``size``, bilinear, smoothed first where that is smaller."""
    if tuple(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)


def resized_sides(height: int, width: int, shorter_px: int) -> tuple[int, int]:
    """Return sides of the same shape whose shorter one is ``shorter_px``."""
    scale = shorter_px / min(height, width)
    return max(round(scale * height), shorter_px), max(round(scale * width), shorter_px)
