"""Errors of where depth edges lie: erosion and dilation, even or not, misalignment, blur."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .interface import Map, Perturbation
from .smooth_noise import smooth_noise

UNEVEN_FEATURES = 4
"""Regions of erosion and dilation alternate about so often along the longer side."""


def erode(disparity: Map, size_px: float, rng: np.random.Generator) -> Map:
    """Erode by an elliptical element of (2e+1) x (2e+1) px; a negative size dilates.

    Erosion shrinks what is near (larger disparity); outside the frame nothing counts. Source: BokehDiff, Fig. 7.
    """
    size = 2 * abs(int(size_px)) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    operation = cv2.erode if size_px > 0 else cv2.dilate
    return np.asarray(operation(np.ascontiguousarray(disparity), element), np.float32)


def erode_unevenly(disparity: Map, size_px: float, rng: np.random.Generator) -> Map:
    """Erode by ``uneven_sizes``: some outlines shrink while others grow, and between them some are right.

    No single number undoes it. Each pixel has the value that ``erode`` by its own size gives it.
    """
    sizes = uneven_sizes(disparity.shape, size_px, rng)
    changed = disparity.copy()
    for size in np.unique(sizes[sizes != 0]):
        here = sizes == size
        changed[here] = erode(disparity, float(size), rng)[here]
    return changed


def uneven_sizes(shape: tuple[int, ...], amplitude_px: float, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the size of erosion at each pixel of (H,W), in whole px, below 0 where it dilates.

    It varies smoothly from -amplitude_px to amplitude_px, before rounding all sizes in between are equally common.
    Amplitudes of other signs give the same with the other sign, larger ones the same regions.
    """
    noise = smooth_noise(shape, rng, UNEVEN_FEATURES)
    ranks = np.empty(noise.size)
    ranks[np.argsort(noise, axis=None, kind="stable")] = np.linspace(-1.0, 1.0, noise.size)
    return np.rint(amplitude_px * ranks.reshape(shape)).astype(np.int32)


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
    directions=("near things grow (dilated)", "near things shrink (eroded)"),
)
ERODE_UNEVEN = Perturbation(
    name="erode-uneven",
    unit="px",
    severities=(-8, -4, -2, 0, 2, 4, 8),
    change_disparity=erode_unevenly,
    signed=True,
    whole=True,
    maximum=64,
    directions=("the same places the other way round", "shrunk here, grown there"),
)
SHIFT = Perturbation(
    name="shift",
    unit="px",
    severities=(-8, -4, -2, 0, 2, 4, 8),
    change_disparity=shift,
    signed=True,
    maximum=1000,
    directions=("the map slides left", "the map slides right"),
)
BLUR = Perturbation(name="blur", unit="px", severities=(0, 1, 2, 4, 8), change_disparity=blur, maximum=1000)
