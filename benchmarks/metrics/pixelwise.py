"""PSNR over the whole image and over the parts where bokeh renderers differ. All need no weights."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from .comparison import Comparison
from .depth_edges import depth_edge_band
from .interface import ComparisonMetric

PSNR_CAP_DB = 100.0
"""The PSNR of identical images, and the most any pair gets: JSON and means have no place for infinity."""

FOCUS_RADIUS_PX = 1.0
"""A pixel counts as in focus while its circle of confusion is smaller than a pixel is wide to each side."""


def find_in_focus(defocus: Tensor) -> Tensor:
    """Return the pixels in focus: (1,H,W) in px -> (H,W) bool."""
    return defocus[0].abs() < FOCUS_RADIUS_PX


class Psnr(ComparisonMetric):
    """10 log10(1 / mean squared error) over all pixels and the three channels, in dB, at most ``PSNR_CAP_DB``."""

    name = "psnr"
    unit = "dB"
    higher_is_better = True
    bounds = (0.0, PSNR_CAP_DB)
    description = "PSNR over all RGB values in [0,1], 8-bit, display-encoded; identical images get 100 dB"

    def compare(self, comparison: Comparison) -> float | None:
        """Return the PSNR in dB."""
        error = comparison.squared_error(self._device)
        return to_decibels(add_up(error) / error.numel())


class RegionPsnr(Psnr):
    """PSNR over a part of the picture, which a sub-class's ``find`` chooses by the defocus: see ``Target.region``."""

    find: Callable[[Tensor], Tensor]

    def compare(self, comparison: Comparison) -> float | None:
        """Return the PSNR in dB; None where the scene has no pixel that the metric looks at."""
        region, pixels = comparison.target.region(type(self).find, self._device)
        if pixels == 0:
            return None
        return to_decibels(add_up(comparison.squared_error(self._device) * region) / pixels)


class FocusPsnr(RegionPsnr):
    """PSNR where the scene is sharp: does the renderer leave the subject alone?"""

    name = "psnr-focus"
    description = "PSNR over the pixels whose true blur radius is below 1 px; none where nothing is in focus"
    find = staticmethod(find_in_focus)


class EdgePsnr(RegionPsnr):
    """PSNR around depth edges: are occlusion and partial occlusion right?"""

    name = "psnr-edge"
    description = (
        "PSNR over the pixels within one blur radius of a depth edge, a jump of over 2 px in the true blur radius;"
        " none where there is no edge"
    )
    find = staticmethod(depth_edge_band)


def add_up(values: Tensor) -> float:
    """Return the sum in float64; NumPy's one thread makes it the same to the bit whatever the number of threads."""
    return float(values.numpy().sum(dtype=np.float64) if values.device.type == "cpu" else values.double().sum())


def to_decibels(error: float) -> float:
    """Return the PSNR in dB of a mean squared error of values in [0,1]."""
    return PSNR_CAP_DB if error == 0.0 else min(-10.0 * math.log10(error), PSNR_CAP_DB)
