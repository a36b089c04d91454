"""Users' maps of disparity and of depth: every format, one channel, checked."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .kinds import decode, read_embedded
from .problems import Problem, check_finite, refusal
from .raster import Raster, Role

GREY_TOLERANCE = 2.0 / 255.0
"""How far the channels of a grey map stored in colours may lie apart: for floats, as a share of their range."""

NOTHING_HIT = 1e9
"""Metres from which on nothing was hit: renderers write 1e10 (Cycles), infinity (LuxCore) or 0 (Mitsuba) there."""

SAME_SHAPE = 0.05
"""How far the ratio of sides of an embedded map may be from the picture's: it covers the same view."""


def read_disparity(path: Path) -> NDArray[np.float32]:
    """Read a map as (H,W) float32: floats as stored, whole numbers over the largest of their type.

    Larger = nearer is taken for granted. Raises MissingDataError for an absent file; DamagedDataError for one that
    cannot be read, is no map (several differing channels: a colour-mapped picture is no disparity), is transparent
    somewhere, is constant, or holds values that are not finite.
    """
    return read_levels_or_disparity(path)[0]


def read_levels_or_disparity(path: Path) -> tuple[NDArray[np.float32], bool]:
    """Return what ``read_disparity`` does, and whether it was stored as whole numbers, which say no unit."""
    raster = decode(path, "disparity")
    disparity = as_map(path, raster, "disparity")
    check_finite(path, disparity, "fill the holes")
    return _varying(path, disparity), raster.top is not None


def read_depth(path: Path, unit: float | None = None, ray_fov: float | None = None) -> NDArray[np.float32]:
    """Read a map of depth as disparity 1/depth: (H,W) float32 in 1/m, 0 where nothing was hit (``NOTHING_HIT``).

    ``unit``: metres that a value of 1 stands for; None: 1, and whole numbers are refused, for they say no unit.
    ``ray_fov``: the horizontal field of view in degrees where the depth is the distance from the lens; None: it is the
    distance along the optical axis. Raises MissingDataError, DamagedDataError as for a disparity, and for depth < 0.
    """
    raster = decode(path, "depth")
    if raster.top is not None and unit is None:
        raise refusal(path, Problem.DEPTH_UNIT)
    with np.errstate(over="ignore"):
        depth = as_map(path, raster, "depth") * np.float32(1.0 if unit is None else unit)
    hit = depth < NOTHING_HIT
    check_finite(path, np.where(np.isposinf(depth), np.float32(0.0), depth), "write inf where nothing was hit")
    if bool((depth < 0.0).any()):
        row, column = np.unravel_index(int(depth.argmin()), depth.shape)
        raise refusal(path, Problem.NEGATIVE_DEPTH, value=float(depth.min()), column=column, row=row)
    disparity = np.zeros_like(depth)
    with np.errstate(over="ignore"):
        np.reciprocal(depth, out=disparity, where=hit & (depth > 0.0))
    check_finite(path, disparity, "expected metres")
    return _varying(path, disparity if ray_fov is None else along_axis(disparity, ray_fov), "depth")


def read_embedded_disparity(
    path: Path, height: int, width: int, ray_fov: float | None = None
) -> tuple[NDArray[np.float32], bool] | None:
    """Return the map that a portrait photograph carries at the picture's size, (H,W) float32, and whether it is in 1/m.

    None where it carries none. ``ray_fov`` as in ``read_depth``. Raises MissingDataError, DamagedDataError.
    """
    embedded = read_embedded(path)
    if embedded is None:
        return None
    rows, columns = embedded.disparity.shape
    if abs(columns * height / (rows * width) - 1.0) > SAME_SHAPE:
        raise refusal(path, Problem.EMBEDDED, why=f"{columns}x{rows} px: not of the picture's shape {width}x{height}")
    if embedded.along_ray and ray_fov is None:
        why = "its depth is along the ray: set depth_ray_fov, the horizontal field of view in degrees, in scene.yaml"
        raise refusal(path, Problem.EMBEDDED, why=why)
    disparity = embedded.disparity
    if (rows, columns) != (height, width):
        disparity = np.asarray(cv2.resize(disparity, (width, height), interpolation=cv2.INTER_LINEAR))
    if embedded.along_ray and ray_fov is not None:
        disparity = along_axis(disparity, ray_fov)
    return _varying(path, disparity), embedded.is_metric


def along_axis(disparity: NDArray[np.float32], ray_fov: float) -> NDArray[np.float32]:
    """Turn 1/distance from the lens into 1/depth along the optical axis: divided by the cosine between the two.

    ``ray_fov``: horizontal field of view in degrees, of square pixels, the axis through the picture's centre.
    """
    height, width = disparity.shape
    focal_px = 0.5 * width / np.tan(0.5 * np.radians(ray_fov))
    return (disparity * ray_lengths(height, width, focal_px)).astype(np.float32)


def ray_lengths(height: int, width: int, focal_px: float) -> NDArray[np.float64]:
    """Return (H,W): how long each pixel's ray is where its depth along the axis is 1, the reciprocal of its cosine."""
    x = (np.arange(width) + 0.5 - 0.5 * width) / focal_px
    y = (np.arange(height) + 0.5 - 0.5 * height) / focal_px
    return np.sqrt(1.0 + x**2 + y[:, None] ** 2)


def as_map(path: Path, raster: Raster, role: Role) -> NDArray[np.float32]:
    """Return the one channel of a raster, or that of equal ones, (H,W) float32; whole numbers scaled, but for depth.

    Raises DamagedDataError.
    """
    pixels = raster.stored(path) if role == "depth" else raster.scaled(path)
    if pixels.ndim == 3 and pixels.shape[2] == 3 and _is_grey(pixels, raster.top is None):
        pixels = pixels[..., :1]
    if pixels.ndim != 3 or pixels.shape[2] != 1 or 0 in pixels.shape:
        raise refusal(path, Problem.NO_MAP, role=role, shape=raster.shape)
    raster.require_opaque(path)
    return np.ascontiguousarray(pixels[..., 0])


def _is_grey(pixels: NDArray[np.float32], floats: bool) -> bool:
    tolerance = GREY_TOLERANCE
    if floats:
        tolerance *= float(np.ptp(pixels)) if np.isfinite(pixels).all() else 0.0
    with np.errstate(invalid="ignore"):
        apart = pixels.max(axis=2) - pixels.min(axis=2)
    return bool((np.nan_to_num(apart, nan=0.0) <= tolerance).all())


def _varying(path: Path, disparity: NDArray[np.float32], role: Role = "disparity") -> NDArray[np.float32]:
    """Return a map that varies. Raises DamagedDataError, which speaks of what the file holds, for another."""
    low, high = float(disparity.min()), float(disparity.max())
    if low == high:
        stored = low if role == "disparity" else 1.0 / low if low > 0.0 else np.inf
        raise refusal(path, Problem.CONSTANT, value=stored, role=role)
    return np.ascontiguousarray(disparity, np.float32)
