"""SSIM as other papers of the field compute it, for numbers that are to stand beside theirs."""

import numpy as np
from skimage.metrics import structural_similarity

from .comparison import Comparison
from .interface import ComparisonMetric
from .structural import WINDOW_PX, mean_ssim

BOX_PX = 7


class BoxSsim(ComparisonMetric):
    """SSIM with scikit-image's defaults: 7x7 box, sample covariances, full windows only.

    Stacked DMSHN and the baseline of NTIRE's 2023 bokeh challenge use it. In place of Eq. 13's Gaussian window every
    pixel of the box weighs the same, and (co)variances are divided by 48, not 49.
    """

    name = "ssim-box7"
    higher_is_better = True
    bounds = (-1.0, 1.0)
    description = (
        "SSIM per RGB channel as scikit-image's defaults compute it: 7x7 box, sample covariances, 8-bit values"
    )

    def compare(self, comparison: Comparison) -> float | None:
        """Return the mean SSIM, [-1,1], computed in float64 on the CPU; None for an image smaller than the box."""
        image, target = comparison.image.double().numpy(), comparison.target.image.double().numpy()
        if min(image.shape[1:]) < BOX_PX:
            return None
        return float(structural_similarity(image, target, win_size=BOX_PX, channel_axis=0, data_range=1.0))


class BorderSsim(ComparisonMetric):
    """SSIM as torchmetrics computes it with ``data_range=1``: ``ssim``, but at every pixel, the border reflected.

    Bokehlicious is evaluated so, on floats; every metric here reads the saved 8-bit picture.
    """

    name = "ssim-torchmetrics"
    higher_is_better = True
    bounds = (-1.0, 1.0)
    description = (
        "SSIM per RGB channel as torchmetrics computes it: 11x11 Gaussian window, sigma 1.5, at every pixel of the "
        "image continued by reflection, 8-bit values"
    )

    def compare(self, comparison: Comparison) -> float | None:
        """Return the mean SSIM, [-1,1], computed in float64 on the CPU; None where the border cannot be reflected."""
        image, target = comparison.image.numpy(), comparison.target.image.numpy()
        around = WINDOW_PX // 2
        if min(image.shape[1:]) <= around:
            return None
        borders = ((0, 0), (around, around), (around, around))
        return mean_ssim(np.pad(image, borders, mode="reflect"), np.pad(target, borders, mode="reflect"))
