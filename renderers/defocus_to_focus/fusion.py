"""Deep Poisson fusion: the sharp picture where it is in focus, the enlarged blurred one elsewhere.

No equation is solved: a small network says where which picture shows, and is trained by the gradients of the result.

Source: Defocus to Focus (Luo et al., Information Fusion 2023), in the form of the authors' published program.
"""

import torch
from torch import Tensor, nn

from .radiance import luma

IN_FOCUS = 0.125
"""Defocus below which a pixel counts as in focus: layer 0 and most of layer 1."""


class FusionNetwork(nn.Module):
    """Refines where the picture is sharp. 12,913 parameters, receptive field 9x9."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(2, 64, kernel_size=3, padding=1), nn.ReLU())
        self.conv2 = nn.Sequential(
            nn.Conv2d(64, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 1, kernel_size=3, padding=1),
        )

    def forward(self, sharpness: Tensor, image: Tensor) -> Tensor:
        """Return the share of the sharp picture, (B,1,H,W), not clipped.

        ``sharpness``: (B,1,H,W) in [0,1], 1 where in focus, see ``weight_files.PROFILES``; ``image``:
        (B,3,H,W), display-encoded.
        """
        return self.conv2(self.conv1(torch.cat([sharpness, luma(image)], dim=1)))


def first_mask(defocus: Tensor) -> Tensor:
    """Return which pixels are in focus, 1 or 0, (B,1,H,W): those of less defocus than IN_FOCUS.

    Where a picture has none, the least blurred eighth of its range counts, so that something is in focus.
    """
    low, high = defocus.amin(dim=(1, 2, 3), keepdim=True), defocus.amax(dim=(1, 2, 3), keepdim=True)
    limit = torch.where(low < IN_FOCUS, torch.full_like(low, IN_FOCUS), low + IN_FOCUS * (high - low))
    return (defocus < limit).to(defocus.dtype)


def blend(share: Tensor, sharp: Tensor, blurred: Tensor) -> Tensor:
    """Return the pictures (B,3,H,W) mixed by the sharp one's share (B,1,H,W), clipped to [0,1] both."""
    share = share.clamp(0.0, 1.0)
    return (share * sharp + (1.0 - share) * blurred).clamp(0.0, 1.0)
