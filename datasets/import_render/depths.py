"""What each renderer's depth channel means, turned into depth along the optical axis.

Everything takes and returns (H,W) float32 in scene units; infinity comes back where nothing was hit. The channel must
come from a pinhole render: through an open lens Cycles stores the depth of one ray through the lens, Mitsuba the mean
of many, LuxCore the nearest of them. Square pixels, the optical axis through the picture's centre.
"""

import numpy as np
from numpy.typing import NDArray

from ..files.maps import NOTHING_HIT, ray_lengths

Depth = NDArray[np.float32]


def cycles_planar_depth(stored: Depth) -> Depth:
    """Return the channel as it is: Cycles stores the depth along the axis, 1e10 where nothing was hit."""
    return _where_hit(stored, stored)


def mitsuba_planar_depth(stored: Depth, near_clip: float, focal_px: float) -> Depth:
    """Return stored cos + near_clip: Mitsuba stores the distance along the ray from its start, 0 where nothing was hit.

    Rays start in the plane z = near_clip; cos is that of the angle between the ray and the axis.
    """
    return _where_hit(stored, _along_axis(stored, focal_px) + near_clip)


def luxcore_planar_depth(stored: Depth, clip_hither: float, focal_px: float) -> Depth:
    """Return stored cos + clip_hither: LuxCore's rays start in the plane z = cliphither; infinity: nothing was hit."""
    return _where_hit(stored, _along_axis(stored, focal_px) + clip_hither)


def _along_axis(stored: Depth, focal_px: float) -> NDArray[np.floating]:
    height, width = stored.shape
    return stored / ray_lengths(height, width, focal_px)


def _where_hit(stored: Depth, depth: NDArray[np.floating]) -> Depth:
    hit = (stored > 0.0) & (stored < NOTHING_HIT)
    return np.where(hit, depth, np.inf).astype(np.float32)
