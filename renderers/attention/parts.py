"""Tokens that straddle a depth edge, taken as two: what is near in them, and what lies behind.

API: ``place_tokens(disparity, radius_px, grid, pooling)`` gives one or two ``TokenPart``; ``attend(q, k, v, planned)``
is PISA over all of them, each with a plan of its own.

A token at an outline has one disparity and one radius in ``TokenGeometry``, the mean of two surfaces that neither has.
Its two parts send their light by radii of their own, each in proportion to its share of the token's pixels. Both are
the same token to a query: it has one key, and one value. A surface hides others only where it fills whole tokens, else
the part behind would be hidden by the part before it.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.errors import InvalidOptionError
from .geometry import DISPARITY_MARGIN, RAY_MAP_OVERSAMPLING, TokenGeometry
from .pairs import pisa_sum
from .plan import PairPlan

STRADDLE_PX = 0.75
"""Tokens within which the radius differs by more than this are split."""


@dataclass(frozen=True, eq=False)
class TokenPart:
    """One part of every token, or all of it.

    ``pixels``: (B,1,H,W), 1 where a pixel of the picture belongs to the part, else 0; None: all belong to it.
    ``geometry``: disparity and radius are means over these pixels; a token without any has the whole token's
    disparity, for rays that are taken from the query's (``rays_from`` of the physics), and the radius 0.
    """

    geometry: TokenGeometry
    pixels: Tensor | None = None

    @property
    def share(self) -> Tensor | None:
        """How much of each token belongs to the part: (B,N) in [0,1]; None: everything."""
        if self.pixels is None:
            return None
        return F.adaptive_avg_pool2d(self.pixels, (self.geometry.height, self.geometry.width)).flatten(1)


class PlannedPart(NamedTuple):
    """A part and the pairs of its tokens."""

    part: TokenPart
    plan: PairPlan


def place_tokens(
    disparity: Tensor, radius_px: Tensor, grid: tuple[int, int], pooling: str, released_pitch: bool = False
) -> tuple[TokenPart, ...]:
    """Return the tokens' parts under a ``pooling``: ``two-radii``, or one of ``TokenGeometry.from_maps``.

    ``released_pitch``: see ``TokenGeometry.with_released_pitch``. Raises what the two raise.
    """
    if pooling == "two-radii":
        parts = split_tokens(disparity, radius_px, grid)
    else:
        parts = (TokenPart(TokenGeometry.from_maps(disparity, radius_px, grid, pooling)),)
    if not released_pitch:
        return parts
    return tuple(dataclasses.replace(part, geometry=part.geometry.with_released_pitch()) for part in parts)


def split_tokens(disparity: Tensor, radius_px: Tensor, grid: tuple[int, int]) -> tuple[TokenPart, ...]:
    """Return the near and the far part of the tokens, or all of them as one part where none is split.

    Maps and ``grid`` as ``TokenGeometry.from_maps`` takes them, with whole px per token. A token is split where its
    radii differ by more than ``STRADDLE_PX``, in the middle between its lowest and its highest disparity.
    Raises InvalidOptionError where a token is no whole number of px, and what ``from_maps`` raises.
    """
    whole = TokenGeometry.from_maps(disparity, radius_px, grid)
    pitch = tuple(int(pitch_px) for pitch_px in whole.pitch_px)
    if pitch != whole.pitch_px:
        raise InvalidOptionError(f"grid: expected tokens of whole px to split them, got {whole.pitch_px} px")
    disparity = disparity.detach().clamp(DISPARITY_MARGIN, 1.0 - DISPARITY_MARGIN)
    radius_px = radius_px.detach().abs()
    straddles = _highest(radius_px, pitch) - _lowest(radius_px, pitch) > STRADDLE_PX
    lowest = _lowest(disparity, pitch)
    middle = torch.where(straddles, 0.5 * (lowest + _highest(disparity, pitch)), lowest)
    near = (disparity >= _enlarge(middle, pitch)).to(disparity.dtype)
    if bool(near.all()):
        return (TokenPart(whole),)
    behind = _mean_over(disparity, 1.0 - near, grid)
    cells = (RAY_MAP_OVERSAMPLING, RAY_MAP_OVERSAMPLING)
    hides = torch.where(_enlarge(straddles, cells), _enlarge(behind, cells), whole.ray_map[:, None])
    whole = dataclasses.replace(whole, ray_map=hides[:, 0])
    parts = []
    for pixels in (near, 1.0 - near):
        present = _highest(pixels, pitch).flatten(1) > 0.0
        geometry = dataclasses.replace(
            whole,
            disparity=torch.where(present, _mean_over(disparity, pixels, grid).flatten(1), whole.disparity),
            radius_px=_mean_over(radius_px, pixels, grid).flatten(1),
            present=present,
        )
        parts.append(TokenPart(geometry, pixels))
    return tuple(parts)


def attend(q: Tensor, k: Tensor, v: Tensor, planned: Sequence[PlannedPart]) -> Tensor:
    """Return PISA of q, k, v (B,heads,N,d) over all parts, each of which has its share of the values."""
    parts = []
    for part, plan in planned:
        share = part.share
        parts.append((v if share is None else v * share[:, None, :, None].to(v.dtype), plan))
    return pisa_sum(q, k, parts)


def _mean_over(maps: Tensor, pixels: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the mean of maps (B,1,H,W) over the ``pixels`` of each token: (B,1,h,w); where there are none, 0."""
    share = F.adaptive_avg_pool2d(pixels, grid)
    return F.adaptive_avg_pool2d(maps * pixels, grid) / share.clamp(min=torch.finfo(maps.dtype).tiny)


def _highest(maps: Tensor, pitch: tuple[int, ...]) -> Tensor:
    return F.max_pool2d(maps, pitch)


def _lowest(maps: Tensor, pitch: tuple[int, ...]) -> Tensor:
    return -F.max_pool2d(-maps, pitch)


def _enlarge(maps: Tensor, factors: tuple[int, ...]) -> Tensor:
    return maps.repeat_interleave(factors[0], dim=2).repeat_interleave(factors[1], dim=3)
