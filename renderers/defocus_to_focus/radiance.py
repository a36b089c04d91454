"""Radiance virtualisation: what a pixel counts beside its neighbours in a blur, from its colour alone.

A display-encoded picture averaged as it is makes lamps too dim. A weight that grows with the brightness brings them
back: with W = L^((g - 1) / 2) a blur of two tones is about what averaging in linear light gives.

Source: Defocus to Focus (Luo et al., Information Fusion 2023), in the form of the authors' published program.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SATURATED = 0.99
"""Pixels with a channel at least this bright may have been brighter than the picture can say."""

RAISED, EXPONENT = 3.0, 5.0

LUMA = (0.299, 0.587, 0.114)


class RadianceNetwork(nn.Module):
    """A tone curve: picture (B,3,H,W) in [0,1] to weights (B,1,H,W) in (0,1), each pixel by itself. 353 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=1)
        self.conv2 = nn.Conv2d(16, 16, kernel_size=1)
        self.conv3 = nn.Conv2d(16, 1, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the weights."""
        return torch.sigmoid(self.conv3(F.relu(self.conv2(F.relu(self.conv1(image))))))


def raise_saturated(weight: Tensor, image: Tensor) -> Tensor:
    """Return weights (B,3,H,W) that are 3 I^5 in each channel I where any channel is saturated.

    ``weight``: (B,1,H,W). Where no pixel is saturated it is returned as it is.
    """
    saturated = (image >= SATURATED).any(dim=1, keepdim=True)
    if not bool(saturated.any()):
        return weight
    return torch.where(saturated, RAISED * image**EXPONENT, weight)


def power_weight(image: Tensor, gamma: float) -> Tensor:
    """Return the weights (B,1,H,W) that imitate linear light without any training: L^((gamma - 1) / 2)."""
    return luma(image).clamp(min=0.0) ** ((gamma - 1.0) / 2.0)


def luma(image: Tensor) -> Tensor:
    """Return the brightness (B,1,H,W) of a display-encoded picture (B,3,H,W)."""
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device)
    return (image * weights[:, None, None]).sum(dim=1, keepdim=True)
