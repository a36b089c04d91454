"""Pictures and maps brought up to whole tokens."""

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(maps: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B,C,H,W) until both sides are multiples of ``multiple`` px."""
    height, width = maps.shape[-2:]
    return F.pad(maps, [0, -width % multiple, 0, -height % multiple], mode="replicate")
