"""Resizing between the centres of corner pixels, as BokehMe's and MPIB's published programs do it."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Return maps (B,C,H,W) at ``size``, bilinear between the centres of the corner pixels."""
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps, tuple(size), mode="bilinear", align_corners=True)
