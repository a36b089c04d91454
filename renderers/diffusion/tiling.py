"""Large pictures in pieces: when they are cut, where the pieces lie, how their noise predictions are blended."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError

if TYPE_CHECKING:
    from ...core.diffusers import AutoencoderKL

TILINGS = ("auto", "never", "always")

TILE_LATENTS = 128
"""Side of a tile in latent px: 1024 px in SDXL, the size it was trained at."""

ONE_PASS_PX = 1536 * 1024
"""Larger pictures are cut under ``tiling="auto"``, on every machine alike: the picture must not depend on its memory.

Up to here one pass takes at most about 8 GB (SDXL's decoder in float32), the compact model less than 2 GB unless discs
are very large.
"""

ONE_PASS_TOKENS = TILE_LATENTS**2
"""The same for attention among all pairs of tokens, which takes memory by their square: as many as in one tile."""

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


def one_pass_latents(pitch_px: int, token_latents: int | None = None) -> int:
    """Return the largest picture that is not cut under ``auto``, in latent px of ``pitch_px`` px.

    ``token_latents``: side of the smallest token in latent px where all pairs attend; None where none or few do.
    """
    most = ONE_PASS_PX // pitch_px**2
    return most if token_latents is None else min(most, ONE_PASS_TOKENS * token_latents**2)


def choose_tile_side(tiling: str, tile_latents: int, latents: int, most: int) -> int | None:
    """Return the side of tiles in latent px, None for one pass over the whole picture.

    ``latents``: of one picture; ``auto`` cuts where they are more than ``most``.
    Raises InvalidOptionError for a ``tiling`` that is not in ``TILINGS``.
    """
    if tiling not in TILINGS:
        raise InvalidOptionError(f"tiling: expected one of {', '.join(TILINGS)}, got '{tiling}'")
    return tile_latents if tiling == "always" or (tiling == "auto" and latents > most) else None


def tile_autoencoder(vae: "AutoencoderKL", side: int | None, factor: int) -> None:
    """Let the autoencoder work in diffusers' overlapping tiles of ``side`` latent px, or in one piece for None.

    ``factor``: px of what it encodes per latent px.
    """
    if side is None:
        vae.disable_tiling()
        return
    vae.enable_tiling()
    vae.tile_latent_min_size = side
    vae.tile_sample_min_size = side * factor


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


def gaussian_weights(tile: Tile, area: torch.Size) -> Tensor:
    """Return weights (h,w) that fall with the distance from the tile's centre, whatever area it lies in."""
    return _gaussian(tile.height)[:, None] * _gaussian(tile.width)


def blend_tiles(
    predict: Callable[[Tile], Tensor],
    tiles: list[Tile],
    like: Tensor,
    weigh: Callable[[Tile, torch.Size], Tensor] = gaussian_weights,
) -> Tensor:
    """Return the weighted mean of ``predict(tile)`` (B,C,h,w) over the tiles, sized and typed as ``like`` (B,any,H,W).

    ``weigh``: the weights (h,w) float32, >= 0, of a tile in an area of (H,W). A single tile's prediction comes back
    untouched.
    """
    if len(tiles) == 1:
        return predict(tiles[0])
    area = like.shape[-2:]
    weights = torch.zeros(area, dtype=torch.float32, device=like.device)
    total: Tensor | None = None
    for tile in tiles:
        predicted = predict(tile)
        total = weights.new_zeros(*predicted.shape[:2], *area) if total is None else total
        weight = weigh(tile, area).to(like.device)
        tile.cut(total).add_(weight * predicted)
        tile.cut(weights).add_(weight)
    assert total is not None  # noqa: S101 - there is a tile
    return (total / weights).to(like.dtype)


def _starts(length: int, side: int, multiple: int) -> Iterator[int]:
    """Yield evenly spread starts on ``multiple``; the first tile begins at 0, the last ends at ``length``."""
    span = (length - side) // multiple
    step = max(int(STRIDE * side) // multiple, 1)
    gaps = math.ceil(span / step)
    for i in range(gaps + 1):
        yield multiple * (span * i // gaps if gaps else 0)


def _gaussian(length: int) -> Tensor:
    place = (torch.arange(length, dtype=torch.float32) + 0.5) / length - 0.5
    return torch.exp(-0.5 * (place / BLEND_WIDTH) ** 2)
