"""The definition of what lies behind: every pixel against every seed, and SciPy's filters over whole pictures."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from .surfaces import NOTHING, FloatArray, Surfaces

SEED_WINDOW_PX, SMOOTHING_PX = 5, 2.0


def find_seeds(surfaces: Surfaces) -> NDArray[np.bool_]:
    """Return (H,W) bool: opaque pixels, nothing known behind them, beside a surface nearer by over a jump."""
    disparity = surfaces.front_disparity
    pure = (surfaces.front[..., 3] >= 1.0) & (surfaces.back_disparity == NOTHING)
    return pure & (maximum_filter(disparity, SEED_WINDOW_PX) - disparity > np.float32(surfaces.jump))


def squared_distances(seeds: NDArray[np.bool_], disparity: FloatArray, jump: float) -> FloatArray:
    """Return (H,W,n): squared distance, px, to each of n seeds, in raster order; infinite to those not behind a pixel.

    A seed is behind a pixel whose disparity is larger by over ``jump``.
    """
    rows, columns = np.nonzero(seeds)
    places = np.indices(disparity.shape)[..., None]
    squared = (places[0] - rows) ** 2 + (places[1] - columns) ** 2
    behind = disparity[rows, columns] < (disparity - np.float32(jump))[..., None]
    return np.where(behind, squared, np.inf).astype(np.float32)


def smooth_hidden(back: FloatArray, back_disparity: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
    """Return ``back`` (H,W,3), smoothed where ``hidden`` (H,W) among all pixels whose surface behind is known."""
    known = (back_disparity > NOTHING).astype(np.float64)
    weight = np.maximum(gaussian_filter(known, SMOOTHING_PX), 1e-6)
    smooth = gaussian_filter(back * known[..., None], (SMOOTHING_PX, SMOOTHING_PX, 0)) / weight[..., None]
    return np.where(hidden[..., None], smooth, back).astype(np.float32)
