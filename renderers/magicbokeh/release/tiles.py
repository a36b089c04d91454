"""The authors' tiles: squares of 512 px, 256 px apart, and more along the borders; their overlaps are ramps."""

from itertools import product

import torch
from torch import Tensor

from ...diffusion.tiling import Tile

TILE_PX = 512
"""What the networks were trained at."""

STRIDE_PX = 256


def cover(height: int, width: int) -> list[Tile]:
    """Cover ``height`` x ``width`` px, both at least TILE_PX, with tiles in px, those at the far borders flush."""
    return [Tile(top, left, TILE_PX, TILE_PX) for top, left in product(_starts(height), _starts(width))]


def ramp_weights(tile: Tile, area: torch.Size) -> Tensor:
    """Return weights (h,w): ramps of STRIDE_PX px from exactly 0 to 1 on every side that is no border of the area."""
    rows = _ramps(tile.top, tile.height, area[0])
    return rows[:, None] * _ramps(tile.left, tile.width, area[1])


def _starts(length: int) -> list[int]:
    starts = list(range(0, length - TILE_PX + 1, STRIDE_PX))
    return starts if length % STRIDE_PX == 0 else [*starts, length - TILE_PX]


def _ramps(start: int, length: int, area: int) -> Tensor:
    weights, ramp = torch.ones(length), torch.linspace(0.0, 1.0, STRIDE_PX)
    if start > 0:
        weights[:STRIDE_PX] = ramp
    if start + length < area:
        weights[-STRIDE_PX:] = ramp.flip(0)
    return weights
