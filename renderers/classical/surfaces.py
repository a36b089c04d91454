"""What lies in front and what lies behind at every pixel: the two surfaces that a lens can see there.

Everything here depends on picture and disparity alone, not on focus or aperture, so that one split serves a whole
focal stack.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

NOTHING = np.float32(-np.inf)
"""Disparity of the surface behind where there is none."""

EDGE_SHARE = 0.02
"""A jump of disparity over this share of the picture's range is an edge between surfaces."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Per pixel: a front surface with coverage, and an opaque one behind it.

    - ``front``: (H,W,4) float32, linear colour (not premultiplied) and coverage in [0,1].
    - ``front_disparity``: (H,W) float32.
    - ``back``: (H,W,3) float32, linear colour of what the front hides, where known.
    - ``back_disparity``: (H,W) float32, NOTHING where nothing is known to lie behind.
    - ``edges``: (H,W) bool, pixels next to a jump of disparity.
    - ``jump``: disparities closer than this belong to one surface.
    """

    front: FloatArray
    front_disparity: FloatArray
    back: FloatArray
    back_disparity: FloatArray
    edges: NDArray[np.bool_]
    jump: float


def edge_jump(disparity: FloatArray) -> float:
    """Return the smallest jump of disparity that counts as an edge: a share of the picture's range."""
    return EDGE_SHARE * float(disparity.max() - disparity.min())


def same_surface_px(jump: float, blur_strength: float) -> float:
    """Return the difference of defocus, px, below which two points are of one surface; a float32 value."""
    return float(np.float32(max(0.5 * blur_strength * jump, 0.1)))


def find_edges(disparity: FloatArray, jump: float) -> NDArray[np.bool_]:
    """Return (H,W) bool: pixels in whose 3x3 neighbourhood the disparity (H,W) spans more than ``jump``."""
    window = np.ones((3, 3), np.uint8)
    return cv2.dilate(disparity, window) - cv2.erode(disparity, window) > jump


def whole_pixels(picture: FloatArray, disparity: FloatArray, jump: float) -> Surfaces:
    """Take every pixel for one opaque surface with nothing behind it; ``picture``: (H,W,3) float32, linear."""
    front = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.float32)
    nothing = np.full_like(disparity, NOTHING)
    return Surfaces(front, disparity.copy(), picture.copy(), nothing, find_edges(disparity, jump), jump)
