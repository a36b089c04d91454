"""How opaque a layer is at each pixel, on any device."""

import torch
from torch import Tensor

from ..mirror import mirror
from .layers import LensLayer


def average_alpha(layer: LensLayer) -> Tensor:
    """Return the layer's opacity (H,W): the mean of alpha over a square of half size int((defocus + 1) / 2).

    By sums over rectangles in float64, which are exact for float32 coverage: whole squares give exactly 0 and 1.
    """
    if bool((layer.alpha == 1).all()):
        return layer.alpha
    (height, width), device = layer.alpha.shape, layer.alpha.device
    half = ((layer.defocus_px.double() + 1) / 2).long()
    margin = int(half.max())
    sums = torch.zeros(height + 2 * margin + 1, width + 2 * margin + 1, dtype=torch.float64, device=device)
    sums[1:, 1:] = mirror(layer.alpha, margin).double().cumsum(dim=0).cumsum(dim=1)
    y = torch.arange(margin, height + margin, device=device)[:, None]
    x = torch.arange(margin, width + margin, device=device)
    top, bottom, left, right = y - half, y + half + 1, x - half, x + half + 1
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return (total / (2 * half + 1) ** 2).to(layer.alpha.dtype)
