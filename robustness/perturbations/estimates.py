"""Errors of maps that a monocular estimator predicts: thin parts are lost, outlines smooth, edges soft and outside.

The proportions are fitted to predicted maps: ``python -m bokehbench.robustness.fit_estimator``, docs/robustness.md.
"""

import cv2
import numpy as np
from skimage.filters import rank

from .interface import Map, Perturbation

STRIP = 0.404
"""A strip through the middle of a disc covers half of it if its half-width is this part of the radius."""

OUTSET = 0.25
"""How far edges lie outside, over the severity."""

SOFTNESS = 0.5
"""Standard deviation of the blur of edges, over the severity."""


def estimate(
    disparity: Map, lost_px: float, rng: np.random.Generator, outset: float = OUTSET, softness: float = SOFTNESS
) -> Map:
    """Return the map as an estimator might give it that loses near parts thinner than about ``2 lost_px``.

    A median over discs removes them, closes gaps and rounds outlines; a little above the median, straight edges move by
    ``outset * lost_px`` into what is farther. A Gaussian of standard deviation ``softness * lost_px`` follows.
    """
    radius_px = lost_px / STRIP
    share = 0.5 + 2.0 / np.pi * outset * lost_px / radius_px  # of a disc at this distance from a straight edge
    smooth = _filter_by_rank(disparity, radius_px, share)
    return np.asarray(cv2.GaussianBlur(smooth, (0, 0), softness * lost_px, borderType=cv2.BORDER_REPLICATE), np.float32)


def _filter_by_rank(disparity: Map, radius_px: float, share: float) -> Map:
    """Return the value that ``share`` of the disc around each pixel is below; what lies outside the frame is left out.

    Values are compared in 255 steps of the range; where the map changes by no more than one it stays as it is.
    """
    low, high = float(disparity.min()), float(disparity.max())
    step = (high - low) / 255.0
    if step == 0.0:
        return disparity
    reach = int(radius_px)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (rows**2 + columns**2 <= radius_px**2).astype(np.uint8)
    levels = np.rint((disparity - low) / step).astype(np.uint8)
    filtered = low + step * rank.percentile(levels, disc, p0=share).astype(np.float32)
    return np.where(np.abs(filtered - disparity) <= step, disparity, filtered).astype(np.float32)


ESTIMATOR = Perturbation(
    name="estimator", unit="px", severities=(0, 1, 2, 4, 8), change_disparity=estimate, maximum=40, marks=(4.0, 8.0)
)
