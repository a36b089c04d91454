"""Structural similarity. Needs no weights."""

import math

import torch
from torch import Tensor

from .comparison import Comparison
from .interface import ComparisonMetric

WINDOW_PX = 11
SIGMA_PX = 1.5
C1 = 0.01**2
C2 = 0.03**2


class Ssim(ComparisonMetric):
    """SSIM as its authors defined it, per RGB channel, averaged over channels and all positions of a full window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004, Eq. 13, population variances. scikit-image with ``gaussian_weights`` computes the same. pyiqa's ``ssimc`` also
    raises negative structure terms to 0, so it is higher where prediction and target are anti-correlated.
    """

    name = "ssim"
    higher_is_better = True
    description = "SSIM per RGB channel at full resolution, 11x11 Gaussian window, sigma 1.5, 8-bit values"

    def compare(self, comparison: Comparison) -> float | None:
        """Return the mean SSIM, [-1,1], computed in float64; None for an image smaller than the window."""
        image, target = comparison.on(self._device)
        if min(image.shape[1:]) < WINDOW_PX:
            return None
        # A channel at a time stays in the processor's cache: two thirds of the time of all at once.
        channels = [ssim_map(x.double(), y.double()).mean() for x, y in zip(image, target, strict=True)]
        return float(torch.stack(channels).mean())


def ssim_map(first: Tensor, second: Tensor) -> Tensor:
    """Return the similarity at each full window: two (...,H,W) in [0,1] -> (...,H-10,W-10), Eq. 13."""
    mean_1, mean_2 = window_average(first), window_average(second)
    squares, product = window_average(first.square() + second.square()), window_average(first * second)
    mean_product = mean_1 * mean_2
    mean_squares = mean_1.square() + mean_2.square()
    variances = squares - mean_squares
    covariance = product - mean_product
    return (2 * mean_product + C1) * (2 * covariance + C2) / ((mean_squares + C1) * (variances + C2))


def window_average(image: Tensor) -> Tensor:
    """Average over the Gaussian window, full windows only: (...,H,W) -> (...,H-10,W-10)."""
    return _average_along(_average_along(image, -2), -1)


def _average_along(image: Tensor, axis: int) -> Tensor:
    """Average along one axis: eleven shifted copies, which takes a quarter of a convolution's time in float64."""
    length = image.shape[axis] - WINDOW_PX + 1
    weights = _window_weights()
    average = weights[0] * image.narrow(axis, 0, length)
    for shift in range(1, WINDOW_PX):
        average.add_(image.narrow(axis, shift, length), alpha=weights[shift])
    return average


def _window_weights() -> list[float]:
    values = [math.exp(-((px - WINDOW_PX // 2) ** 2) / (2 * SIGMA_PX**2)) for px in range(WINDOW_PX)]
    return [value / sum(values) for value in values]
