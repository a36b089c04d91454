"""Where depth jumps, and how far the blur carries what happens there."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.compiled import compiled
from .discs import count_disc, find_covered

JUMP_PX = 2.0
"""The least range of defocus inside a 3x3 window that counts as a depth edge.

A window spans 2 px, so this is a slope of 1 px of blur radius per px: beyond it a disc grows faster than its centre
moves and overtakes its neighbours, which no smooth surface in usual scenes does. The criterion keeps its meaning when
a scene is resized, since blur radii scale with the picture.
"""


def depth_edge_band(defocus: Tensor) -> Tensor:
    """Return the pixels that the light mixed at depth edges can reach: (H,W) bool, all False where there is no edge.

    ``defocus``: (1,H,W) float32, signed, px; the band is on the CPU. Every pixel whose 3x3 window holds a range of more
    than ``JUMP_PX`` is an edge pixel, and the band is the union of discs around them. The disc's radius is the largest
    blur radius in the window: a blurred foreground spreads that far over the edge and is see-through as far inside it,
    and background discs are cut by a sharp foreground within it.
    """
    return torch.from_numpy(_find_band(np.ascontiguousarray(defocus[0].cpu().numpy())))


@compiled
def _find_band(defocus: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the band of (H,W) defocus."""
    height, width = defocus.shape
    steps = np.zeros((height, width + 1), np.int32)
    highest, lowest = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        above, row, below = defocus[max(y - 1, 0)], defocus[y], defocus[min(y + 1, height - 1)]
        for x in range(width):
            highest[x], lowest[x] = max(above[x], row[x], below[x]), min(above[x], row[x], below[x])
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            high = max(highest[left], highest[x], highest[right])
            low = min(lowest[left], lowest[x], lowest[right])
            if high - low > JUMP_PX:
                count_disc(steps, y, x, max(high, -low))
    return find_covered(steps)
