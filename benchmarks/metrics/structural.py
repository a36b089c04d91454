"""Structural similarity. Needs no weights."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .image_pair import ImagePair
from .interface import PairMetric
from .similarity_kernel import WINDOW_PX, mean_similarity

SIGMA_PX = 1.5
C1 = 0.01**2
C2 = 0.03**2


class Ssim(PairMetric):
    """SSIM as its authors defined it, per RGB channel, averaged over channels and all positions of a full window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004, Eq. 13, population variances. scikit-image with ``gaussian_weights`` computes the same. pyiqa's ``ssimc`` also
    raises negative structure terms to 0, so it is higher where prediction and target are anti-correlated.
    """

    name = "ssim"
    higher_is_better = True
    description = "SSIM per RGB channel at full resolution, 11x11 Gaussian window, sigma 1.5, 8-bit values"

    def score_pair(self, pair: ImagePair) -> float | None:
        """Return the mean SSIM, [-1,1]; None for an image smaller than the window."""
        image, target = pair.on(self._device)
        if min(image.shape[1:]) < WINDOW_PX:
            return None
        if image.device.type == "cpu":
            weights = _window_weights().numpy()
            return mean_similarity(image.numpy(), target.numpy(), weights, np.float32(C1), np.float32(C2))
        return float(ssim_map(image.double(), target.double()).mean())  # in float32 a GPU would use TensorFloat-32


def ssim_map(first: Tensor, second: Tensor) -> Tensor:
    """Return the similarity at each full window: two (C,H,W) in [0,1] -> (C,H-10,W-10).

    The plain version, for any device; ``mean_similarity`` computes its mean on the CPU.
    """
    moments = torch.stack([first, second, first.square() + second.square(), first * second])  # (4,C,H,W)
    mean_1, mean_2, squares, product = _window_average(moments)
    mean_product = mean_1 * mean_2
    mean_squares = mean_1.square() + mean_2.square()
    variances = squares - mean_squares
    covariance = product - mean_product
    return (2 * mean_product + C1) * (2 * covariance + C2) / ((mean_squares + C1) * (variances + C2))


def _window_average(images: Tensor) -> Tensor:
    """Average over the Gaussian window, full windows only: (N,C,H,W) -> (N,C,H-10,W-10)."""
    weights = _window_weights().to(images).repeat(images.shape[0] * images.shape[1], 1)
    planes = images.flatten(0, 1)[None]  # one batch with a group per plane: far faster than a batch of planes
    planes = F.conv2d(planes, weights[:, None, :, None], groups=len(weights))
    planes = F.conv2d(planes, weights[:, None, None, :], groups=len(weights))
    return planes.view(*images.shape[:2], *planes.shape[2:])


def _window_weights() -> Tensor:
    offsets_px = torch.arange(WINDOW_PX, dtype=torch.float32) - WINDOW_PX // 2
    weights = torch.exp(-(offsets_px**2) / (2 * SIGMA_PX**2))
    return weights / weights.sum()
