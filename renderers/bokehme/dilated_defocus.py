"""The largest signed defocus that reaches each pixel, whole px: where it is small, nothing blurred can be seen.

A disc is painted as runs of pixels, the nearest surface first, and no pixel twice (each row remembers where the next
unpainted pixel is). Runs are painted only where no neighbour's disc covers them, so a plane costs its outline and a
slope one run a pixel: far from the r^2 of looking at every disc.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.compiled import compiled

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


def dilate_defocus(defocus_px: Tensor) -> Tensor:
    """Return the largest trunc(defocus) of the pixel itself and of all whose disc |defocus| reaches its centre.

    ``defocus_px``: (H,W) float32, signed, positive in front of the plane in focus. Returns (H,W) float32 of whole px on
    the same device; the work is done on the CPU.

    Source: BokehMe (Peng et al., CVPR 2022), the second output of its classical renderer.
    """
    defocus = np.ascontiguousarray(defocus_px.detach().cpu().numpy(), dtype=np.float32)
    whole = np.trunc(defocus).astype(np.int32)
    nearest_first = np.argsort(-whole, axis=None, kind="stable").astype(np.int32)
    dilated = whole.copy()
    _paint(defocus, whole, nearest_first, dilated)
    return torch.from_numpy(dilated.astype(np.float32)).to(defocus_px.device)


@compiled
def _paint(defocus: Floats, whole: Integers, nearest_first: Integers, dilated: Integers) -> None:
    """Paint the discs of ``nearest_first`` (flat indices) into ``dilated``."""
    height, width = defocus.shape
    unpainted = np.empty((height, width + 1), np.int32)  # [y, x]: the first unpainted pixel of row y at x or after it
    for y in range(height):
        for x in range(width + 1):
            unpainted[y, x] = x
    for place in nearest_first:
        y, x = place // width, place % width
        radius = abs(defocus[y, x])
        if radius < 1.0:
            _paint_run(unpainted[y], dilated[y], x, x, whole[y, x])
            continue
        left = not _covered(defocus, whole, y, x, y, x - 1)
        right = not _covered(defocus, whole, y, x, y, x + 1)
        reach = int(radius)
        first = max(y - reach, 0) if not _covered(defocus, whole, y, x, y - 1, x) else y
        last = min(y + reach, height - 1) if not _covered(defocus, whole, y, x, y + 1, x) else y
        for row in range(first, last + 1):
            half = int(math.sqrt(radius * radius - (row - y) * (row - y)))
            begin = max(x - half, 0) if left else x
            end = min(x + half, width - 1) if right else x
            _paint_run(unpainted[row], dilated[row], begin, end, whole[y, x])


@compiled
def _covered(defocus: Floats, whole: Integers, y: int, x: int, near_y: int, near_x: int) -> bool:
    """Whether a neighbour's disc holds all of this pixel's that lies on the neighbour's side, and paints it no deeper.

    Its centre is nearer to everything there, so a disc at least as large holds it. Outside the picture nothing is seen.
    """
    if near_y < 0 or near_x < 0 or near_y >= defocus.shape[0] or near_x >= defocus.shape[1]:
        return True
    return whole[near_y, near_x] >= whole[y, x] and abs(defocus[near_y, near_x]) >= abs(defocus[y, x])


@compiled
def _paint_run(unpainted: Integers, dilated: Integers, begin: int, end: int, value: int) -> None:
    """Paint what is unpainted of columns ``begin`` to ``end`` of a row, both included."""
    x = _next_unpainted(unpainted, begin)
    while x <= end:
        dilated[x] = value
        unpainted[x] = x + 1
        x = _next_unpainted(unpainted, x + 1)


@compiled
def _next_unpainted(unpainted: Integers, x: int) -> int:
    """Follow the row's pointers, and shorten the way for the next look."""
    while unpainted[x] != x:
        unpainted[x] = unpainted[unpainted[x]]
        x = unpainted[x]
    return x
