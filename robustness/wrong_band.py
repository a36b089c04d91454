"""Where wrong disparity can change a picture: the wrong band.

A pixel's disparity is wrong where the signed blur radius that follows from it is off by more than ``WRONG_PX``. What a
pixel spreads, uncovers or hides lies within its blur radius, so the band is the union of discs around the wrong pixels,
each as large as the larger of its two radii, the true and the given. Outside it no disc, and no ray of a lens, meets a
wrong pixel: a renderer that looks no further than blur reaches makes there what it makes from the true map.
"""

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.metrics.discs import cover

WRONG_PX = 0.5
"""A blur radius that is off by less is taken for right: below this a disc covers nearly the same pixels."""

RIM_PX = 1.0
"""Discs are widened by this: pixels that a disc's rim covers in part, and those between which renderers interpolate."""

Radii = NDArray[np.float32]


def find_wrong_band(true_radius_px: Radii, given_radius_px: Radii) -> NDArray[np.bool_]:
    """Return the pixels (H,W) that light of wrongly placed pixels can reach.

    Both: (H,W) signed defocus in px, that of the true map and that of the given one.
    """
    wrong = np.abs(given_radius_px - true_radius_px) > WRONG_PX
    reach_px = np.maximum(np.abs(true_radius_px), np.abs(given_radius_px)) + np.float32(RIM_PX)
    return cover(np.ascontiguousarray(wrong), np.ascontiguousarray(reach_px))
