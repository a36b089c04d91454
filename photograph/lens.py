"""Where to focus and how much to blur: from what a user says to the focus and blur strength of a scene."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DamagedDataError, InvalidOptionError
from ..datasets.pairs.focus import disparity_at
from .camera import Camera
from .depth import DepthMap

MIDDLE = 0.6
NEAREST = 0.1
"""The nearest subject: the median of the nearest tenth of the middle 60 % of width and height."""

DEFAULT_RADIUS = 0.01
"""Of the picture's diagonal, where nothing says how much to blur."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """What a user asks for.

    - Focus: ``point`` (x, y), shares of width and height if both are at most 1, else px from the top left;
      ``disparity`` in the map's own unit; ``depth`` in metres; with none of them the nearest subject.
    - Blur: ``radius_px``, the largest in the picture, or ``f_number``; with none of them DEFAULT_RADIUS.
    """

    point: tuple[float, float] | None = None
    disparity: float | None = None
    depth: float | None = None
    radius_px: float | None = None
    f_number: float | None = None

    def __post_init__(self) -> None:
        if self.radius_px is not None and not 0.0 <= self.radius_px < math.inf:
            raise InvalidOptionError(f"--radius: expected 0 px or more, got {self.radius_px:g}")
        for option, value in (("--f-number", self.f_number), ("--focus-depth", self.depth)):
            if value is not None and not 0.0 < value < math.inf:
                raise InvalidOptionError(f"{option}: expected a number above 0, got {value:g}")


def find_focus(lens: Lens, depth_map: DepthMap) -> tuple[float, str]:
    """Return the disparity in focus, and what was focused on, in words.

    Raises InvalidOptionError for a point outside the picture, and for metres where the map has none.
    """
    if lens.point is not None:
        return _at(lens.point, depth_map.disparity), "the point {:g},{:g}".format(*lens.point)
    if lens.depth is not None:
        if not depth_map.is_metric:
            raise InvalidOptionError(
                f"--focus-depth {lens.depth:g}: {depth_map.origin} is not in metres: use --focus or --focus-disparity"
            )
        return 1.0 / lens.depth, f"{lens.depth:g} m"
    if lens.disparity is not None:
        return lens.disparity, "what was asked for"
    return nearest_subject(depth_map.disparity), "the nearest subject"


def find_strength(lens: Lens, depth_map: DepthMap, focus: float, camera: Camera) -> float:
    """Return the blur radius in px per unit of disparity.

    Raises InvalidOptionError for an f-number where the map is not in metres or the camera is not known.
    """
    height, width = depth_map.disparity.shape
    if lens.f_number is not None:
        if not depth_map.is_metric:
            raise InvalidOptionError(f"--f-number {lens.f_number:g}: {depth_map.origin} is not in metres: use --radius")
        return camera.blur_strength(lens.f_number, width, height)
    radius_px = DEFAULT_RADIUS * math.hypot(height, width) if lens.radius_px is None else lens.radius_px
    return radius_px / largest_distance(depth_map.disparity, focus)


def largest_distance(disparity: NDArray[np.float32], focus: float) -> float:
    """Return how far, in disparity, anything in the picture is from the focus; the map varies, so it is above 0."""
    return max(abs(float(disparity.max()) - focus), abs(float(disparity.min()) - focus))


def nearest_subject(disparity: NDArray[np.float32]) -> float:
    """Return the disparity of what is nearest in the middle of the picture (H,W): see NEAREST."""
    height, width = disparity.shape
    rows, columns = (round(0.5 * (1.0 - MIDDLE) * length) for length in (height, width))
    middle = disparity[rows : height - rows, columns : width - columns]
    return float(np.quantile(middle, 1.0 - 0.5 * NEAREST))


def _at(point: tuple[float, float], disparity: NDArray[np.float32]) -> float:
    height, width = disparity.shape
    x, y = point
    if 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0:
        x, y = min(x * width, width - 1), min(y * height, height - 1)
    try:
        return disparity_at(disparity, x, y)
    except DamagedDataError as error:
        raise InvalidOptionError(
            f"--focus {point[0]:g},{point[1]:g}: expected a point in {width}x{height} px, or two shares up to 1"
        ) from error
