"""What moving edges cannot bring back: parts too thin or too fine for the map, told by their colours.

Where edges were moved, the colours around decide on each side: histograms of what is surely near and surely far, by
tiles of the picture. A pixel of the far side that looks near and touches the near surface joins it, and the other way
round.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .alignment import EDGE_SHARE, FloatArray
from .guided import GuidedFilter

Mask = NDArray[np.bool_]

BAND_PX = 12
"""Pixels up to so far from the other surface are looked at."""

SURE = 0.8
"""Of the way from far to near (or back): beyond it a pixel of the map belongs to one surface."""

LIKELY, VERY_LIKELY = 0.65, 0.85
"""Probability from which a pixel changes sides: where it touches that side, where it does not."""

ROUNDS = 2
"""What changed sides in the first tells about colours in the second."""

BINS = (16, 12, 12)
"""Of lightness, a and b in a histogram; those of a and b are finest around grey."""

TILE_PX = 32
SPREAD_TILES, SPREAD_BINS = 0.8, (0.7, 0.56, 0.56)
"""Standard deviations of the blur of histograms, over tiles and bins."""

RARE = 2e-4
"""Share of a colour below which a histogram says nothing."""

NOISE_PX = 0.5
"""Standard deviation of the blur of the picture before its colours are looked at."""

CALM_PX, PLAIN_VARIANCE = 6, 3e-4
"""Of the guided filter that smooths probabilities: its radius, and the variance of display values that is noise."""


def relabel(picture: FloatArray, disparity: FloatArray, moves: NDArray[np.int8]) -> FloatArray:
    """Let pixels of a moved map change to the surface that they look like.

    ``picture``: (H,W,3) float32, display-encoded, [0,1]; ``disparity``: (H,W) float32, moved by ``moves`` px, (H,W).
    Near surfaces gain pixels where they grew, and lose some where they shrank; elsewhere nothing changes.
    """
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND_PX + 1, 2 * BAND_PX + 1))
    highest, lowest = cv2.dilate(disparity, element), cv2.erode(disparity, element)
    span = highest - lowest
    band = span > np.float32(EDGE_SHARE) * (disparity.max() - disparity.min())
    side = np.where(band, (disparity - lowest) / np.where(band, span, np.float32(1)), np.float32(0.5))
    near_value = _take_nearest(disparity, band & (side > SURE))
    far_value = _take_nearest(disparity, band & (side < 1.0 - SURE))
    bins, result = number_colours(picture), disparity.copy()
    smooth = GuidedFilter(picture, CALM_PX, PLAIN_VARIANCE)
    for _ in range(ROUNDS):
        likeness = smooth(compare_colours(bins, band & (side > SURE), band & (side < 1.0 - SURE)))
        near, far = band & (side > 0.5), band & (side < 0.5)
        joins = _touching(far & (moves > 0) & (likeness > LIKELY), near)
        looks_far = near & (moves < 0) & (likeness < 1.0 - LIKELY)
        leaves = _touching(looks_far, far) | (looks_far & (likeness < 1.0 - VERY_LIKELY))
        side[joins], side[leaves] = 1.0, 0.0
        result[joins], result[leaves] = near_value[joins], far_value[leaves]
    return result


def number_colours(picture: FloatArray) -> NDArray[np.int32]:
    """Return the bin of each pixel's colour, (H,W) int32 below the product of BINS."""
    blurred = np.clip(cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), NOISE_PX), 0.0, 1.0)
    lab = cv2.cvtColor(blurred, cv2.COLOR_RGB2LAB) / np.float32(100)
    lab[..., 1:] = (np.sign(lab[..., 1:]) * np.sqrt(np.abs(lab[..., 1:])) + 1.0) / 2.0
    lightness, a, b = (np.clip(lab[..., c] * count, 0, count - 1).astype(np.int32) for c, count in enumerate(BINS))
    return (lightness * BINS[1] + a) * BINS[2] + b


def compare_colours(bins: NDArray[np.int32], near: Mask, far: Mask) -> FloatArray:
    """Return how likely each pixel is near, (H,W) float32: 0.5 where its colour is as common on either side."""
    shares = [_histogram(bins, mask) for mask in (near, far)]
    likely = (shares[0] + np.float32(RARE)) / (shares[0] + shares[1] + np.float32(2 * RARE))
    height, width = bins.shape
    (top, down), (left, right) = (
        _neighbours(side, count) for side, count in zip(bins.shape, likely.shape, strict=False)
    )
    result = np.zeros((height, width), np.float32)
    for rows, row_weights in (top, down):
        for columns, column_weights in (left, right):
            weights = row_weights[:, None] * column_weights
            result += weights * likely[rows[:, None], columns, bins]
    return result


def _histogram(bins: NDArray[np.int32], mask: Mask) -> FloatArray:
    """Return the share of each colour among the pixels of ``mask``, by tiles: (rows, columns, colours) float32."""
    rows, columns = (np.arange(side) // TILE_PX for side in bins.shape)
    tiles = (rows[-1] + 1, columns[-1] + 1)
    colours = int(np.prod(BINS))
    at = (rows[:, None] * tiles[1] + columns) * colours + bins
    count = np.bincount(at[mask], minlength=tiles[0] * tiles[1] * colours).astype(np.float32)
    spread = (SPREAD_TILES, SPREAD_TILES, *SPREAD_BINS)
    smooth = ndimage.gaussian_filter(count.reshape(*tiles, *BINS), spread, mode="constant", truncate=3.0)
    total = smooth.sum(axis=(2, 3, 4), keepdims=True)
    return (smooth / np.maximum(total, np.float32(1e-3))).reshape(*tiles, colours)


def _neighbours(side: int, tiles: int) -> list[tuple[NDArray[np.intp], FloatArray]]:
    """Return for each pixel along a side the tiles before and behind it with their weights: linear interpolation."""
    place = (np.arange(side) + 0.5) / TILE_PX - 0.5
    first = np.floor(place).astype(np.intp)
    share = (place - first).astype(np.float32)
    return [(np.clip(first + n, 0, tiles - 1), np.abs(1 - n - share)) for n in (0, 1)]


def _take_nearest(values: FloatArray, mask: Mask) -> FloatArray:
    """Return at each pixel the value of the nearest pixel of ``mask``; the values themselves where there is none."""
    if not mask.any():
        return values
    kind = cv2.DIST_LABEL_PIXEL
    labels = cv2.distanceTransformWithLabels((~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=kind)[1]
    of_label = np.zeros(labels.max() + 1, np.float32)
    of_label[labels[mask]] = values[mask]
    return of_label[labels]


def _touching(mask: Mask, surface: Mask) -> Mask:
    """Return the pixels of ``mask`` that are connected to ``surface`` through others of it."""
    count, labels = cv2.connectedComponents((mask | surface).astype(np.uint8), connectivity=8)
    touches = np.zeros(count, np.bool_)
    touches[labels[surface]] = True
    touches[0] = False
    return mask & touches[labels]
