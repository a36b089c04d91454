"""Where depth jumps, and how far the blur carries what happens there."""

import torch
import torch.nn.functional as F
from torch import Tensor

JUMP_PX = 2.0
"""The least range of defocus inside a 3x3 window that counts as a depth edge.

A window spans 2 px, so this is a slope of 1 px of blur radius per px: beyond it a disc grows faster than its centre
moves and overtakes its neighbours, which no smooth surface in usual scenes does. The criterion keeps its meaning when
a scene is resized, since blur radii scale with the picture.
"""


def depth_edge_band(defocus: Tensor) -> Tensor:
    """Return the pixels that the light mixed at depth edges can reach: (H,W) bool, all False where there is no edge.

    ``defocus``: (1,H,W), signed, px. Every pixel whose 3x3 window holds a range of more than ``JUMP_PX`` is an edge
    pixel, and the band is the union of discs around them. The disc's radius is the largest blur radius in the
    window: a blurred foreground spreads that far over the edge and is see-through as far inside it, and background
    discs are cut by a sharp foreground within it.
    """
    highest = F.max_pool2d(defocus[None], 3, stride=1, padding=1)[0, 0]
    lowest = -F.max_pool2d(-defocus[None], 3, stride=1, padding=1)[0, 0]
    edge = highest - lowest > JUMP_PX
    if not bool(edge.any()):
        return edge
    reach_px = torch.maximum(highest, -lowest)
    return _union_of_discs(torch.where(edge, reach_px, -1.0))


def _union_of_discs(radius_px: Tensor) -> Tensor:
    """Return which pixels lie within some pixel's radius: (H,W) -> (H,W) bool. A negative radius draws nothing.

    q is covered where max over p of radius(p)^2 - |p - q|^2 >= 0, and that maximum separates into rows and columns.
    """
    power = torch.where(radius_px >= 0, radius_px**2, -torch.inf)
    limit_px = int(radius_px.max())
    across = _spread(power.T.contiguous(), limit_px).T.contiguous()
    return _spread(across, limit_px) >= 0


def _spread(power: Tensor, limit_px: int) -> Tensor:
    """Return max over d of power[y + d] - d^2 along the first axis, for |d| <= limit_px."""
    spread, lowered = power.clone(), torch.empty_like(power)
    for distance in range(1, min(limit_px, power.shape[0] - 1) + 1):
        torch.sub(power, distance**2, out=lowered)
        torch.maximum(spread[distance:], lowered[:-distance], out=spread[distance:])
        torch.maximum(spread[:-distance], lowered[distance:], out=spread[:-distance])
    return spread
