"""Where a photograph was focused: estimated from what stays sharp at a wide aperture, or pointed at."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude, maximum_filter

from ...core.errors import DamagedDataError

SIGMA_PX = 1.0
EDGE_SHARE = 0.1
"""The strongest tenth of the input's gradients are its edges."""

LEAST_CONTRAST = 0.01
"""Gradient below which nothing is an edge, per px, in units of the picture's mean."""

ALIGNMENT_PX = 3
"""How far apart the same edge may lie in both pictures."""

SHARPEST_QUANTILE = 0.98
KEPT_OF_SHARPEST = 0.8
LEAST_KEPT = 0.35
"""An edge is sharp in the target if it keeps 80 % of the contrast that the best-kept edges keep (a wide-open lens is
softer even in focus); where these keep less than 35 %, nothing is in focus."""

CENTRE_SHARE = 0.5
LEAST_POINTS = 16


def estimate_focus(
    image: NDArray[np.float32], target: NDArray[np.float32], disparity: NDArray[np.float32]
) -> float | None:
    """Return the median disparity of the points that are sharp in both pictures, None where there are too few.

    Edges of the input that are edges of equal contrast in the target as well; those in the central half of the frame
    (in both directions) alone, if there are enough, for the subject is usually there.
    ``image``, ``target``: (H,W,3), display-encoded, of any exposure; ``disparity``: (H,W).
    """
    before, after = _edge_strength(image), _edge_strength(target)
    is_edge = before >= max(float(np.quantile(before, 1.0 - EDGE_SHARE)), LEAST_CONTRAST)
    if int(is_edge.sum()) < LEAST_POINTS:
        return None
    size = 2 * ALIGNMENT_PX + 1
    kept = np.minimum(maximum_filter(after, size) / np.maximum(maximum_filter(before, size), 1e-12), 1.0)
    best = float(np.quantile(kept[is_edge], SHARPEST_QUANTILE))
    if best < LEAST_KEPT:
        return None
    sharp = is_edge & (kept >= KEPT_OF_SHARPEST * best)
    central = sharp & _central_window(sharp.shape)
    chosen = central if int(central.sum()) >= LEAST_POINTS else sharp
    return float(np.median(disparity[chosen])) if int(chosen.sum()) >= LEAST_POINTS else None


def disparity_at(disparity: NDArray[np.float32], x: float, y: float, radius_px: int = 2) -> float:
    """Return the median disparity around the pixel (x, y), counted from the top left corner.

    Raises DamagedDataError for a point outside the map.
    """
    height, width = disparity.shape
    if not (0 <= x < width and 0 <= y < height):
        raise DamagedDataError(f"focus_at: expected a point inside {width}x{height} px, got [{x:g}, {y:g}]")
    column, row = int(x), int(y)
    rows = slice(max(row - radius_px, 0), row + radius_px + 1)
    columns = slice(max(column - radius_px, 0), column + radius_px + 1)
    return float(np.median(disparity[rows, columns]))


def _edge_strength(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gradient of the brightness relative to its mean, (H,W): independent of exposure."""
    grey = picture.mean(axis=2)
    return gaussian_gradient_magnitude(grey / max(float(grey.mean()), 1e-6), SIGMA_PX)


def _central_window(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    window = np.zeros(shape, np.bool_)
    margins = [round(length * (1.0 - CENTRE_SHARE) / 2.0) for length in shape]
    window[margins[0] : shape[0] - margins[0], margins[1] : shape[1] - margins[1]] = True
    return window
