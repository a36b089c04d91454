"""Where each token of a latent lies in the picture, how near it is and how far the lens spreads it.

API: ``TokenGeometry.from_maps(disparity, radius_px, grid)`` turns maps of the picture's size into one value per token.
Everything downstream (``visibility``, ``reference``, ``plan``) reads the picture through this class only.

Convention: tokens are numbered row by row, token n lies in row n // width and column n % width of the grid. Distances
and radii are in px of the picture's own resolution. Disparity is larger = nearer and lies in (0,1): 0 is infinitely
far, 1 is the lens.
"""

import dataclasses
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.errors import InvalidOptionError, InvalidSceneError

DISPARITY_MARGIN = 1e-3
"""Disparities are kept this far inside (0,1): a point at 0 or 1 (the lens itself) has no ray to the lens."""

RAY_MAP_OVERSAMPLING = 3
"""Samples per token and axis of the disparity map that rays are tested against (as in the released code)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenGeometry:
    """What physics-inspired self-attention knows about the scene, per token.

    - ``height``, ``width``: of the token grid, N = height * width.
    - ``pitch_px``: distance of neighbouring tokens along y and x in px.
    - ``disparity``: (B,N), in (0,1), larger = nearer.
    - ``radius_px``: (B,N), radius of the circle of confusion, >= 0.
    - ``ray_map``: (B,height * s,width * s), the disparity that rays are tested against, s samples per token and axis.
    - ``present``: (B,N) bool, or None where all tokens are. One that is not has nothing to send (its value is 0): with
      a circle of confusion it reaches no token but itself, where the softmax is over queries.

    B is the batch, or 1 where every picture of the batch shares the scene. No gradient flows into the geometry.
    """

    height: int
    width: int
    pitch_px: tuple[float, float]
    disparity: Tensor
    radius_px: Tensor
    ray_map: Tensor
    present: Tensor | None = None

    @classmethod
    def from_maps(
        cls, disparity: Tensor, radius_px: Tensor, grid: tuple[int, int], pooling: str = "area"
    ) -> "TokenGeometry":
        """Pool maps of the picture to a grid of tokens; any aspect ratio.

        ``disparity``: (B,1,H,W) in [0,1], kept ``DISPARITY_MARGIN`` inside. ``radius_px``: (B,1,H,W), the radius of the
        circle of confusion or the signed defocus, whose sign is dropped *before* pooling, so that a token which
        straddles the focal plane counts as blurred as its pixels are on average. ``grid``: (height, width) of the
        tokens. ``pooling``: ``area`` averages the pixels of a token; ``bilinear`` reads the map at its centre, as the
        released code does.

        Raises InvalidSceneError on disparity outside [0,1] or maps that do not match, InvalidOptionError on a grid
        finer than the picture or an unknown pooling.
        """
        _check_maps(disparity, radius_px, grid, pooling)
        height, width = grid
        disparity = disparity.detach().clamp(DISPARITY_MARGIN, 1.0 - DISPARITY_MARGIN)
        fine = (height * RAY_MAP_OVERSAMPLING, width * RAY_MAP_OVERSAMPLING)
        return cls(
            height=height,
            width=width,
            pitch_px=(disparity.shape[2] / height, disparity.shape[3] / width),
            disparity=_pool(disparity, grid, pooling).flatten(1),
            radius_px=_pool(radius_px.detach().abs(), grid, pooling).flatten(1),
            ray_map=_pool(disparity, fine, pooling)[:, 0],
        )

    @property
    def batch(self) -> int:
        """Pictures in the batch."""
        return self.disparity.shape[0]

    @property
    def tokens(self) -> int:
        """Tokens of a picture, N."""
        return self.height * self.width

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.disparity.device

    @property
    def positions_px(self) -> Tensor:
        """Centres of the tokens, (N,2) as y, x in px, of the disparity's type."""
        token = torch.arange(self.tokens, device=self.device)
        rows_columns = torch.stack([token // self.width, token % self.width], dim=1) + 0.5
        return rows_columns.to(self.disparity.dtype) * self.disparity.new_tensor(self.pitch_px)

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> "TokenGeometry":
        """Move and convert every tensor."""
        return dataclasses.replace(
            self,
            disparity=self.disparity.to(device, dtype),
            radius_px=self.radius_px.to(device, dtype),
            ray_map=self.ray_map.to(device, dtype),
            present=None if self.present is None else self.present.to(device),
        )

    def with_released_pitch(self, side_px: float = 512.0) -> "TokenGeometry":
        """Measure distances as the released code does: every axis spans ``side_px`` from the first token to the last.

        On a square picture of 512 px this makes a token 3 % wider (512/31 for 32 tokens instead of 512/32); elsewhere
        the circle of confusion turns into an ellipse of the wrong size. Only for comparison with the released code.
        """
        return dataclasses.replace(self, pitch_px=(side_px / max(self.height - 1, 1), side_px / max(self.width - 1, 1)))


def _pool(maps: Tensor, size: tuple[int, int], pooling: str) -> Tensor:
    if pooling == "bilinear":
        return F.interpolate(maps, size, mode="bilinear", align_corners=False)
    return F.adaptive_avg_pool2d(maps, size)


def _check_maps(disparity: Tensor, radius_px: Tensor, grid: tuple[int, int], pooling: str) -> None:
    if pooling not in ("area", "bilinear"):
        raise InvalidOptionError(f"pooling: expected 'area' or 'bilinear', got '{pooling}'")
    if disparity.ndim != 4 or disparity.shape[1] != 1 or disparity.shape != radius_px.shape:
        raise InvalidSceneError(
            f"disparity and radius_px: expected two maps (B, 1, H, W) of one shape, "
            f"got {tuple(disparity.shape)} and {tuple(radius_px.shape)}"
        )
    if not 1 <= grid[0] <= disparity.shape[2] or not 1 <= grid[1] <= disparity.shape[3]:
        raise InvalidOptionError(
            f"grid: expected 1 to {disparity.shape[2]} rows and 1 to {disparity.shape[3]} columns, got {grid}"
        )
    low, high = float(disparity.min()), float(disparity.max())
    if not (low >= 0.0 and high <= 1.0):
        raise InvalidSceneError(
            f"disparity: expected values in [0, 1], got [{low:g}, {high:g}]: normalise it and the blur strength"
        )
    if not bool(torch.isfinite(radius_px).all()):
        raise InvalidSceneError("radius_px: holds NaN or infinite values: repair the disparity or the blur strength")
