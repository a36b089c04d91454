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
    highest, lowest = _window_maximum(defocus[0]), -_window_maximum(-defocus[0])
    edge = highest - lowest > JUMP_PX
    if not bool(edge.any()):
        return edge
    reach_px = torch.maximum(highest, -lowest)
    return _union_of_discs(torch.where(edge, reach_px, -1.0))


def _union_of_discs(radius_px: Tensor) -> Tensor:
    """Return which pixels lie within some pixel's radius: (H,W) -> (H,W) bool. A negative radius draws nothing.

    Each row of a disc is a run of pixels: its first and the one after its last are counted up and down, and a pixel is
    covered where the counts before it do not cancel.
    """
    height, width = radius_px.shape
    rows, columns = torch.nonzero(radius_px >= 0, as_tuple=True)
    squared = radius_px[rows, columns].double() ** 2
    reach = min(int(radius_px.max()), height)
    pitch = width + 1
    steps = torch.zeros((height + 2 * reach) * pitch, dtype=torch.int32, device=radius_px.device)  # rows to both sides
    first_row = (rows + reach) * pitch
    for dy in range(reach + 1):
        left = squared - dy**2
        half, drawn = left.clamp(min=0).sqrt().long(), (left >= 0).int()
        begin = first_row + (columns - half).clamp(min=0)
        end = first_row + (columns + half + 1).clamp(max=width)
        for shift in {dy * pitch, -dy * pitch}:
            steps.index_add_(0, begin + shift, drawn)
            steps.index_add_(0, end + shift, drawn, alpha=-1)
    return steps.view(-1, pitch)[reach : reach + height].cumsum(1)[:, :width] > 0


def _window_maximum(values: Tensor) -> Tensor:
    """Return the largest value in the 3x3 window around each pixel, (H,W); at borders of what there is of it."""
    padded = F.pad(values[None, None], [1, 1, 1, 1], mode="replicate")[0, 0]  # max_pool2d is 30 times slower on a CPU
    rows = torch.maximum(torch.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return torch.maximum(torch.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
