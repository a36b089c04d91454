"""Structural similarity. Needs no weights."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from .comparison import Comparison
from .interface import ComparisonMetric

WINDOW_PX = 11
SIGMA_PX = 1.5
C1 = 0.01**2
C2 = 0.03**2

STRIP_PX = 64
"""Height of what is computed at a time on the CPU: it stays in the processor's cache."""

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
Picture = TypeVar("Picture", Array, Tensor)


class Ssim(ComparisonMetric):
    """SSIM as its authors defined it, per RGB channel, averaged over channels and all positions of a full window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004, Eq. 13, population variances. scikit-image with ``gaussian_weights`` computes the same. pyiqa's ``ssimc`` also
    raises negative structure terms to 0, so it is higher where prediction and target are anti-correlated.
    """

    name = "ssim"
    higher_is_better = True
    bounds = (-1.0, 1.0)
    description = "SSIM per RGB channel at full resolution, 11x11 Gaussian window, sigma 1.5, 8-bit values"

    def compare(self, comparison: Comparison) -> float | None:
        """Return the mean SSIM, [-1,1], computed in float64; None for an image smaller than the window."""
        image, target = comparison.on(self._device)
        if min(image.shape[1:]) < WINDOW_PX:
            return None
        if self._device.type == "cpu":
            return mean_ssim(image.numpy(), target.numpy())
        return float(ssim_map(image.double(), target.double()).mean())


def mean_ssim(first: Array, second: Array) -> float:
    """Return the mean similarity of two (C,H,W) in [0,1]; the same bits whatever the number of threads."""

    def total(strip: tuple[int, slice]) -> np.float64:
        return ssim_map(first[strip].astype(np.float64), second[strip].astype(np.float64)).sum()

    channels, height, width = first.shape
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        totals = threads.map(total, _strips(channels, height))
        windows = channels * (height - WINDOW_PX + 1) * (width - WINDOW_PX + 1)
        return float(sum(totals)) / windows


def _strips(channels: int, height: int) -> Iterator[tuple[int, slice]]:
    """Yield channel and rows of each strip; strips share the rows that windows of both reach."""
    for channel in range(channels):
        for top in range(0, height - WINDOW_PX + 1, STRIP_PX):
            yield channel, slice(top, top + STRIP_PX + WINDOW_PX - 1)


def ssim_map(first: Picture, second: Picture) -> Picture:
    """Return the similarity at each full window, Eq. 13: two (...,H,W) in [0,1] -> (...,H-10,W-10).

    Arrays are (H,W).
    """
    mean_1, mean_2 = window_average(first), window_average(second)
    squares, product = window_average(first * first + second * second), window_average(first * second)
    mean_product = mean_1 * mean_2
    mean_squares = mean_1 * mean_1 + mean_2 * mean_2
    variances = squares - mean_squares
    covariance = product - mean_product
    return (2 * mean_product + C1) * (2 * covariance + C2) / ((mean_squares + C1) * (variances + C2))


def window_average(image: Picture) -> Picture:
    """Average over the Gaussian window, full windows only: tensor (...,H,W) or array (H,W) -> (...,H-10,W-10)."""
    if isinstance(image, Tensor):
        return _average_along(_average_along(image, -2), -1)
    weights = np.array(_window_weights())
    average: Any = cv2.sepFilter2D(image, -1, weights, weights, borderType=cv2.BORDER_CONSTANT)
    inside = slice(WINDOW_PX // 2, -(WINDOW_PX // 2))
    return average[inside, inside]


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
