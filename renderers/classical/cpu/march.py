"""Lens rays march from near to far until the surfaces they meet have used up their light.

A ray through pixel q and lens position u (unit disc) is at q + u s where the signed defocus is s px.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ....core.compiled import compiled
from ..surfaces import FloatArray
from .reach import BIN_PX, LENS_SAMPLES, TILE_PX

GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
LOOK_PX = np.float32(BIN_PX + 0.5)
"""A look at a bin of defocus also takes surfaces this much nearer that the bins before it stepped over, px."""

LITTLE_LIGHT = np.float32(0.004)
INTERPOLATED_WITHIN_PX = np.float32(1.3)
HALF, ONE = np.float32(0.5), np.float32(1)


def vogel_disc(samples: int) -> FloatArray:
    """Return (samples, 2) float32 points of equal area on the unit disc, on Vogel's spiral."""
    index = np.arange(samples, dtype=np.float64)
    radius, angle = np.sqrt((index + 0.5) / samples), index * GOLDEN_ANGLE
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def lens_patterns() -> tuple[FloatArray, NDArray[np.int64]]:
    """Return all patterns in a row, (samples,2) float32, and where each starts; one entry more marks the end."""
    return np.concatenate([vogel_disc(n) for n in LENS_SAMPLES]), np.cumsum([0, *LENS_SAMPLES])


@compiled
def march_tiles(
    top: int,
    bottom: int,
    front: FloatArray,
    back: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    looks: FloatArray,
    counts: NDArray[np.integer],
    lens_of_tile: NDArray[np.integer],
    lens: FloatArray,
    lens_start: NDArray[np.integer],
    output: FloatArray,
) -> None:
    """Render tile rows [top, bottom) into ``output`` (H,W,3); tiles with ``lens_of_tile`` < 0 are left alone.

    ``defocus``: (H,W,2) float32, signed px of front and back; ``same_px``: defocus closer than this is one surface;
    ``looks``: (ty,tx,n) float32, lower ends of the bins of defocus to look at, near to far, and their ``counts``;
    ``lens``: (samples,2) float32, all patterns in a row, pattern i from ``lens_start[i]`` to ``lens_start[i + 1]``.
    """
    height, width = defocus.shape[:2]
    colour = np.empty(4, np.float32)
    for ty in range(top, bottom):
        for tx in range(lens_of_tile.shape[1]):
            pattern = lens_of_tile[ty, tx]
            if pattern < 0:
                continue
            points = lens[lens_start[pattern] : lens_start[pattern + 1]]
            bins = looks[ty, tx, : counts[ty, tx]]
            for y in range(ty * TILE_PX, min((ty + 1) * TILE_PX, height)):
                for x in range(tx * TILE_PX, min((tx + 1) * TILE_PX, width)):
                    _render_pixel(y, x, front, back, defocus, same_px, bins, points, colour)
                    for c in range(3):
                        output[y, x, c] = colour[c]


@compiled
def _render_pixel(
    y: int,
    x: int,
    front: FloatArray,
    back: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    bins: FloatArray,
    lens: FloatArray,
    colour: FloatArray,
) -> None:
    right, bottom = np.float32(defocus.shape[1] - 1), np.float32(defocus.shape[0] - 1)
    # Half a pixel more, so that cutting off the fraction rounds.
    x_half, y_half, half_bin = np.float32(x) + HALF, np.float32(y) + HALF, np.float32(0.5 * BIN_PX)
    total = red = green = blue = np.float32(0)
    for n in range(len(lens)):
        u, v = lens[n, 0], lens[n, 1]
        light, ceiling = ONE, np.float32(np.inf)
        for k in range(len(bins)):
            low = bins[k]
            high = low + LOOK_PX
            ix, iy = (
                nearest_index(x_half + u * (low + half_bin), right),
                nearest_index(y_half + v * (low + half_bin), bottom),
            )
            d = defocus[iy, ix, 0]
            if low <= d < high and d < ceiling:
                coverage = _meet_front(x_half, y_half, u, v, d, front, defocus, same_px, colour)
                if coverage > 0:
                    weight = light * coverage
                    red += weight * colour[0]
                    green += weight * colour[1]
                    blue += weight * colour[2]
                    total += weight * colour[3]
                    light -= weight
                    ceiling = d - LOOK_PX
                    if light < LITTLE_LIGHT:
                        break
            d = defocus[iy, ix, 1]
            if low <= d < high:
                if _is_inside(x_half + u * d, right) and _is_inside(y_half + v * d, bottom):
                    red += light * back[iy, ix, 0]
                    green += light * back[iy, ix, 1]
                    blue += light * back[iy, ix, 2]
                    total += light
                break
    if total > 0:
        colour[0], colour[1], colour[2] = red / total, green / total, blue / total
    else:
        colour[0], colour[1], colour[2] = front[y, x, 0], front[y, x, 1], front[y, x, 2]


@compiled
def _meet_front(
    x_half: np.float32,
    y_half: np.float32,
    u: np.float32,
    v: np.float32,
    d: np.float32,
    front: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    colour: FloatArray,
) -> np.float32:
    """Follow the ray to signed defocus d; return the coverage of the front surface there, 0 where it is another one.

    ``colour``: (4,), receives the surface's colour and 1; zeros outside the frame.
    """
    right, bottom = np.float32(defocus.shape[1] - 1), np.float32(defocus.shape[0] - 1)
    jx, jy = nearest_index(x_half + u * d, right), nearest_index(y_half + v * d, bottom)
    e = defocus[jy, jx, 0]
    if abs(e - d) >= same_px:
        return np.float32(0)
    px, py = x_half + u * e, y_half + v * e
    if _is_inside(px, right) and _is_inside(py, bottom):
        nearer = interpolation_scale(e) * e
        _fetch(front, defocus, x_half + u * nearer, y_half + v * nearer, e, same_px, jy, jx, colour)
        colour[3] = ONE
    else:
        colour[:] = 0
    return front[jy, jx, 3]


@compiled
def nearest_index(position_half: np.float32, last: np.float32) -> np.uint32:
    """Index of the pixel, the frame's border pixels continued outside: there the surfaces block rays like inside."""
    return np.uint32(min(max(position_half, np.float32(0)), last + HALF))


@compiled
def _is_inside(position_half: np.float32, last: np.float32) -> np.bool_:
    """Outside the frame nothing is seen: such a ray counts for less, as in the plain scatter."""
    return np.float32(0) <= position_half < last + ONE


@compiled
def interpolation_scale(e: np.float32) -> np.float32:
    """By how much smaller a disc to interpolate in, signed radius e px, so that both blur as much as the disc alone.

    Second moments per axis: r^2 / 4 for a disc of radius r; interpolating at fractions f of a pixel adds the mean of
    f (1 - f). Together that is 4 r / (3 pi) within one pixel, beyond about r^2 / 4 + 1 / 6.
    """
    radius = abs(e)
    if radius < INTERPOLATED_WITHIN_PX:
        return np.float32(3.0 * math.pi / 16.0) * radius
    return np.float32(math.sqrt(ONE - np.float32(2.0 / 3.0) / (radius * radius)))


@compiled
def _fetch(
    front: FloatArray,
    defocus: FloatArray,
    px: np.float32,
    py: np.float32,
    e: np.float32,
    same_px: np.float32,
    jy: int,
    jx: int,
    colour: FloatArray,
) -> None:
    """Colour of the front surface at (px, py), half a pixel more, bilinear among neighbours of the same surface."""
    right, bottom = np.int32(defocus.shape[1] - 1), np.int32(defocus.shape[0] - 1)
    px = min(max(px - HALF, np.float32(0)), np.float32(right))
    py = min(max(py - HALF, np.float32(0)), np.float32(bottom))
    x0, y0 = np.int32(px), np.int32(py)
    fx, fy = px - np.float32(x0), py - np.float32(y0)
    total = red = green = blue = np.float32(0)
    for j in range(2):
        iy = np.uint32(min(y0 + np.int32(j), bottom))
        wy = fy if j else ONE - fy
        for i in range(2):
            ix = np.uint32(min(x0 + np.int32(i), right))
            if abs(defocus[iy, ix, 0] - e) < same_px:
                w = wy * (fx if i else ONE - fx) * front[iy, ix, 3]
                red += w * front[iy, ix, 0]
                green += w * front[iy, ix, 1]
                blue += w * front[iy, ix, 2]
                total += w
    if total > LITTLE_LIGHT:
        colour[0], colour[1], colour[2] = red / total, green / total, blue / total
        return
    colour[0], colour[1], colour[2] = front[jy, jx, 0], front[jy, jx, 1], front[jy, jx, 2]
