"""Maps that a U-Net may be given beside the latent, one value per latent px. Imports no torch.

The paper has none: there geometry enters through attention alone. Each function takes ``disparity`` in (0,1), larger =
nearer, and the signed ``defocus_px``, both (B,P,h,w): the P px below each latent px along the second axis. It returns
(B,h,w).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ...diffusion.tiling import Tile

UNIT_PX = 16.0
"""Defocus is given in units of so many px, which keeps the channels near [-1,1]."""


def _defocus(disparity: "Tensor", defocus_px: "Tensor") -> "Tensor":
    """Mean signed defocus, positive in front of the focal plane."""
    return defocus_px.mean(1) / UNIT_PX


def _blur(disparity: "Tensor", defocus_px: "Tensor") -> "Tensor":
    """Mean radius of the circle of confusion: larger than |defocus| across the focal plane."""
    return defocus_px.abs().mean(1) / UNIT_PX


def _disparity(disparity: "Tensor", defocus_px: "Tensor") -> "Tensor":
    """Mean disparity about 0."""
    return disparity.mean(1) - 0.5


def _defocus_std(disparity: "Tensor", defocus_px: "Tensor") -> "Tensor":
    """Standard deviation of the defocus inside the latent px, which marks edges between surfaces."""
    return defocus_px.std(1, correction=0) / UNIT_PX


CONDITIONS: Mapping[str, Callable[["Tensor", "Tensor"], "Tensor"]] = {
    "defocus": _defocus,
    "blur": _blur,
    "disparity": _disparity,
    "defocus_std": _defocus_std,
}


def stack_conditions(
    names: Sequence[str], disparity: "Tensor", defocus_px: "Tensor", tile: "Tile", pitch_px: int
) -> "Tensor":
    """Return the named maps of a tile: (B,K,h,w) float32, one channel per name.

    ``disparity`` in (0,1), ``defocus_px`` signed: (B,1,H,W) of the whole padded picture, ``pitch_px`` px per latent px.
    No gradient flows back.
    """
    import torch  # here, as the names of conditions are read without torch
    from torch.nn.functional import pixel_unshuffle

    near, blur = (
        pixel_unshuffle(tile.cut(maps, pitch_px).detach().float(), pitch_px) for maps in (disparity, defocus_px)
    )
    channels = [CONDITIONS[name](near, blur) for name in names]
    return torch.stack(channels, dim=1) if channels else near[:, :0]
