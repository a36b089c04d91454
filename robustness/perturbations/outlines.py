"""Errors of where depth edges lie: erosion and dilation, misalignment, blur."""

import cv2
import numpy as np
from scipy import ndimage

from .interface import Map, Perturbation


def erode(disparity: Map, size_px: float, rng: np.random.Generator) -> Map:
    """Erode by an elliptical element of (2e+1) x (2e+1) px; a negative size dilates.

    Erosion shrinks what is near (larger disparity); outside the frame nothing counts. Source: BokehDiff, Fig. 7.
    """
    size = 2 * abs(int(size_px)) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    operation = cv2.erode if size_px > 0 else cv2.dilate
    return np.asarray(operation(np.ascontiguousarray(disparity), element), np.float32)


def shift(disparity: Map, offset_px: float, rng: np.random.Generator) -> Map:
    """Slide the map to the right, linearly interpolated; the frame's edge is repeated."""
    return ndimage.shift(disparity, (0.0, offset_px), order=1, mode="nearest")


def blur(disparity: Map, sigma_px: float, rng: np.random.Generator) -> Map:
    """Blur with a Gaussian; the frame's edge is repeated."""
    return ndimage.gaussian_filter(disparity, sigma_px, mode="nearest")


ERODE = Perturbation(
    name="erode",
    unit="px",
    severities=(-10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10),
    change_disparity=erode,
    signed=True,
    whole=True,
    maximum=1000,
)
SHIFT = Perturbation(
    name="shift", unit="px", severities=(-8, -4, -2, 0, 2, 4, 8), change_disparity=shift, signed=True, maximum=1000
)
BLUR = Perturbation(name="blur", unit="px", severities=(0, 1, 2, 4, 8), change_disparity=blur, maximum=1000)
