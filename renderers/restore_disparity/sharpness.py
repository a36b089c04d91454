"""Whether a disparity map is sharp: where it is, nothing of it was lost by resolution, and it is left alone.

A map of its picture's resolution jumps from one pixel to the next where depth does; one that was enlarged, smoothed or
estimated from a poor picture climbs over several.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .network import FOLD, REACHES, spread, variation

LEAST = 0.1
"""Of the map's range: what it must vary by around a pixel for there to be a depth edge."""

JUMP = 0.6
"""Of that variation: what two neighbours must differ by for the edge to be sharp."""

SHARE = 0.2
"""Of the pixels near depth edges, those near sharp ones: a map with more of them is sharp."""


def is_sharp(disparity: Tensor) -> bool:
    """Whether more than SHARE of what is near depth edges of a map (1,H,W) is near sharp ones; True without edges.

    On 40 training scenes the share is 0.28 at the least. Of the same maps at half the resolution it is 0.12 at the
    most, at a quarter 0.07; as an estimator gives them that loses 2 px, 0.09.
    """
    height, width = disparity.shape[-2:]
    given = F.pad(disparity[None], (0, -width % FOLD, 0, -height % FOLD), mode="replicate")
    _, contrast = variation(given)
    around = contrast[:, -1:]
    jump = spread(F.max_pool2d(_jumps(given), FOLD), REACHES[-1])
    edges = around > LEAST * (given.max() - given.min())
    if not edges.any():
        return True
    return bool((jump > JUMP * around)[edges].float().mean() > SHARE)


def _jumps(disparity: Tensor) -> Tensor:
    """Return the largest difference of each pixel of (B,1,H,W) from its four neighbours."""
    around = F.pad(disparity, (1, 1, 1, 1), mode="replicate")
    middle = around[..., 1:-1, 1:-1]
    neighbours = (around[..., 1:-1, :-2], around[..., 1:-1, 2:], around[..., :-2, 1:-1], around[..., 2:, 1:-1])
    return torch.stack([(middle - other).abs() for other in neighbours]).amax(dim=0)
