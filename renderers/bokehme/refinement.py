"""How BokehMe's parts make one picture: a small picture blurred by a network, enlarged step by step, and blended.

Source: BokehMe (Peng et al., CVPR 2022), Sec. 3.3, in the form of the authors' published program.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..resize import resize
from .networks import ARNet, IUNet

UNIT_PX = 10.0
"""The networks see defocus in this unit: the largest blur that they were trained on."""


@dataclass(frozen=True)
class Level:
    """One enlargement: ``size`` (rows, columns), and what defocus is multiplied by there."""

    size: tuple[int, int]
    scale: float


def first_level(height: int, width: int, largest: float) -> Level:
    """Return the level that ARNet renders: so small that no radius exceeds UNIT_PX.

    ``largest``: the largest |defocus|, in units of UNIT_PX. A side keeps one pixel at least.
    """
    shrink = max(largest, 1.0)
    return Level((max(int(height / shrink), 1), max(int(width / shrink), 1)), 1.0 / shrink)


def later_levels(height: int, width: int, largest: float) -> list[Level]:
    """Return the levels that IUNet renders, each twice the one before, and the full size at the end."""
    shrink = max(largest, 1.0)
    scales = [2.0 ** (step + 1) / shrink for step in range(math.floor(math.log2(shrink)))]
    between = [Level((max(int(scale * height), 1), max(int(scale * width), 1)), scale) for scale in scales]
    return [*between, Level((height, width), 1.0)]


@dataclass(frozen=True)
class Refined:
    """``pictures``: of ARNet and of each level after it, (B,3,h,w), [0,inf), the last of the full size.

    ``error``: (B,1,H,W) in [0,1], the share of the last one in the result.
    """

    pictures: list[Tensor]
    error: Tensor


def refine(arnet: ARNet, iunet: IUNet, image: Tensor, defocus: Tensor, dilated: Tensor, gamma: float) -> Refined:
    """Return what the networks make of a picture, at every size. Differentiable in the networks.

    ``image``: (B,3,H,W), display-encoded; ``defocus``, ``dilated``: (B,1,H,W), signed defocus and ``dilate_defocus`` of
    it, both in units of UNIT_PX; ``gamma``: of the display transfer.
    """
    height, width = image.shape[-2:]
    largest = float(defocus.abs().max())
    first = first_level(height, width, largest)
    raw, error = arnet(resize(image, first.size), first.scale * resize(defocus, first.size), gamma)
    pictures = [raw.clamp(min=0.0)]
    for level in later_levels(height, width, largest):
        coarse = pictures[-1]
        clipped = (level.scale * resize(defocus, level.size)).clamp(-1.0, 1.0)
        sharper = iunet(resize(image, level.size), clipped, coarse, gamma).clamp(min=0.0)
        near_focus = soften((level.scale * resize(dilated, level.size)).abs() < 1.0).to(sharper.dtype)
        pictures.append(near_focus * sharper + (1.0 - near_focus) * resize(coarse, level.size))
    return Refined(pictures, resize(error, (height, width)))


def soften(mask: Tensor) -> Tensor:
    """Blur a mask (B,1,H,W) by a Gaussian of radius round(0.005 (H + W)), borders repeated; float32 in [0,1]."""
    height, width = mask.shape[-2:]
    radius = round(0.005 * (height + width))
    if radius == 0:
        return mask.float()
    sigma = 0.3 * (radius - 1) + 0.8
    steps = torch.arange(-radius, radius + 1, device=mask.device, dtype=torch.float32)
    line = torch.exp(-(steps**2) / (2.0 * sigma**2))
    line = line / line.sum()
    padded = F.pad(mask.float(), (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))


def lift_highlights(image: Tensor, defocus: Tensor) -> Tensor:
    """Return the picture with bright colours out of focus raised by up to 0.4: values up to 1.4.

    ``image``: (B,3,H,W), display-encoded, [0,1]; ``defocus``: (B,1,H,W) as a share of the map's range of disparity.
    """
    blurred = torch.tanh(200.0 * (defocus**2 - 0.01)).clamp(0.0, 1.0)
    bright = torch.tanh(10.0 * (image - 220.0 / 255.0)).clamp(0.0, 1.0)
    return image * (1.0 + 0.4 * blurred * bright)
