"""Large pictures in pieces: where they lie, and how their noise predictions are blended."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError

TILINGS = ("auto", "never", "always")

TILE_LATENTS = 128
"""Side of a tile in latent px: 1024 px in SDXL, the size it was trained at."""

STRIDE = 0.75
"""Distance of neighbouring tiles as a share of their side, at most (the authors')."""

BLEND_WIDTH = 0.25
"""Standard deviation of a tile's Gaussian weight as a share of its side: 0.14 at the middle of an edge."""


@dataclass(frozen=True)
class Tile:
    """A rectangle in latent px."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, maps: Tensor, scale: int = 1) -> Tensor:
        """Return the tile's part of maps (...,H,W) that have ``scale`` px per latent px."""
        rows = slice(self.top * scale, (self.top + self.height) * scale)
        columns = slice(self.left * scale, (self.left + self.width) * scale)
        return maps[..., rows, columns]


def cover_with_tiles(height: int, width: int, side: int, multiple: int) -> list[Tile]:
    """Cover ``height`` x ``width`` latent px with overlapping tiles of at most ``side``, all edges on ``multiple``.

    Neighbours are at most ``STRIDE`` of a side apart. One tile where the picture fits into one.
    Raises InvalidOptionError where ``side`` is not a positive multiple of ``multiple``.
    """
    if side < multiple or side % multiple:
        raise InvalidOptionError(f"tile side: expected a positive multiple of {multiple} latent px, got {side}")
    tile_height, tile_width = min(side, height), min(side, width)
    return [
        Tile(top, left, tile_height, tile_width)
        for top in _starts(height, tile_height, multiple)
        for left in _starts(width, tile_width, multiple)
    ]


def blend_tiles(predict: Callable[[Tile], Tensor], tiles: list[Tile], like: Tensor) -> Tensor:
    """Return the weighted mean of ``predict(tile)`` (B,C,h,w) over the tiles, sized and typed as ``like`` (B,any,H,W).

    Weights are Gaussians of the distance from a tile's centre. A single tile's prediction comes back untouched.
    """
    if len(tiles) == 1:
        return predict(tiles[0])
    predictions = [predict(tile) for tile in tiles]
    weights = torch.zeros(like.shape[-2:], dtype=torch.float32, device=like.device)
    total = weights.new_zeros(*predictions[0].shape[:2], *like.shape[-2:])
    for tile, predicted in zip(tiles, predictions, strict=True):
        weight = _gaussian(tile.height, like.device)[:, None] * _gaussian(tile.width, like.device)
        tile.cut(total).add_(weight * predicted)
        tile.cut(weights).add_(weight)
    return (total / weights).to(like.dtype)


def _starts(length: int, side: int, multiple: int) -> Iterator[int]:
    """Yield evenly spread starts on ``multiple``; the first tile begins at 0, the last ends at ``length``."""
    span = (length - side) // multiple
    step = max(int(STRIDE * side) // multiple, 1)
    gaps = math.ceil(span / step)
    for i in range(gaps + 1):
        yield multiple * (span * i // gaps if gaps else 0)


def _gaussian(length: int, device: torch.device) -> Tensor:
    place = (torch.arange(length, device=device, dtype=torch.float32) + 0.5) / length - 0.5
    return torch.exp(-0.5 * (place / BLEND_WIDTH) ** 2)
