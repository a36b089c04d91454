"""Planes to a picture: each is blurred by a disc of whole px, and laid over what lies behind it.

Source: MPIB (Peng et al., ECCV 2022), Sec. 3.1, in the form of the authors' published program.
"""

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor


def soft_disc(radius_px: int, device: torch.device) -> Tensor:
    """Return the kernel of a radius >= 1: (2r+1,2r+1) float32, sum 1, sigmoid((r^2 - distance^2) / 2 + 1)."""
    steps = torch.arange(-radius_px, radius_px + 1, device=device, dtype=torch.float32)
    disc = torch.sigmoid(0.5 * (radius_px**2 - steps[:, None] ** 2 - steps**2) + 1.0)
    return disc / disc.sum()


def blur(maps: Tensor, radius_px: int) -> Tensor:
    """Return maps (C,H,W) float32, averaged over the soft disc about each pixel, the border repeated.

    The disc is applied to the spectrum: the time does not grow with the radius but through the border.
    """
    if radius_px == 0:
        return maps
    height, width = maps.shape[-2:]
    padded = F.pad(maps[None], (radius_px,) * 4, mode="replicate")[0]
    size = [next_fast_len(side, real=True) for side in padded.shape[-2:]]
    disc = torch.fft.rfft2(soft_disc(radius_px, maps.device), s=size).conj()
    return torch.fft.irfft2(torch.fft.rfft2(padded, s=size).mul_(disc), s=size)[:, :height, :width]


def lay_over(behind: Tensor, linear: Tensor, alpha: Tensor, radius_px: int) -> Tensor:
    """Return what is seen of ``behind`` and a plane before it: (4,H,W), colour times weight, and the weight.

    ``behind``: the same of the planes behind; ``linear``: (3,H,W), linear light; ``alpha``: (1,H,W), [0,1].
    """
    blurred = blur(torch.cat([linear * alpha, alpha]), radius_px)
    return behind * (1.0 - blurred[3:]) + blurred
