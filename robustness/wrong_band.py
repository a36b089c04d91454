"""Where wrong disparity can change a picture: the wrong band.

A pixel's disparity is wrong where the signed blur radius that follows from it is off by more than ``WRONG_PX``. What a
pixel spreads, uncovers or hides lies within its blur radius, so the band is the union of discs around the wrong pixels,
each as large as the larger of its two radii, the true and the given. Outside it no disc, and no ray of a lens, meets a
wrong pixel: a renderer that looks no further than blur reaches makes there what it makes from the true map.
"""

import numpy as np
from numpy.typing import NDArray

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
    return cover_by_discs(wrong, reach_px)


def cover_by_discs(centres: NDArray[np.bool_], radius_px: Radii) -> NDArray[np.bool_]:
    """Return the union of discs around ``centres``, each with its own radius; all three (H,W).

    Each row of a disc is a run of pixels: its start and its end are counted up and down, and a pixel is covered where
    the counts up to it do not cancel.
    """
    height, width = centres.shape
    rows, columns = np.nonzero(centres)
    radii = np.minimum(radius_px[rows, columns].astype(np.float64), height + width)
    steps = np.zeros(height * (width + 1), np.int32)
    for offset in range(-int(radii.max(initial=0.0)), int(radii.max(initial=0.0)) + 1):
        met = (radii >= abs(offset)) & (rows + offset >= 0) & (rows + offset < height)
        row, column = (rows[met] + offset) * (width + 1), columns[met]
        half = np.sqrt(radii[met] ** 2 - offset**2).astype(np.int64)
        np.add.at(steps, row + np.maximum(column - half, 0), 1)
        np.subtract.at(steps, row + np.minimum(column + half + 1, width), 1)
    return np.cumsum(steps.reshape(height, width + 1)[:, :-1], axis=1) > 0
