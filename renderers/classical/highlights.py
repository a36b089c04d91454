"""Highlights are scattered, not sampled: a point of light becomes a whole round disc, however few the lens samples.

What exceeds its surroundings is taken off the front surface and spread over its disc, pixel by pixel, as far as a ray
from there to the highlight is not blocked by something nearer.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from .compiled import compiled
from .march import HALF, LITTLE_LIGHT, LOOK_PX, ONE, nearest_index
from .reach import BIN_PX, TILE_PX
from .surfaces import FloatArray

WINDOW_PX = 17
TIMES_SURROUNDINGS = 2.0
LEAST_EXCESS = 0.1
"""A highlight is brighter than TIMES_SURROUNDINGS the mean of its window plus this, linear light."""

LARGEST_SHARE = 0.005
"""At most this share of the pixels, the brightest, are highlights: the time they take is bounded."""

LEAST_RADIUS_PX = 2.0
"""Smaller discs are sampled densely enough as they are."""


@dataclass(frozen=True, eq=False)
class Highlights:
    """Rows and columns (n,) int64, and the light (n,3) float32, linear, that is scattered from there."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    excess: FloatArray


def find_highlights(picture: FloatArray) -> Highlights:
    """Find what exceeds its surroundings in (H,W,3) float32, linear."""
    surroundings = uniform_filter(picture, (WINDOW_PX, WINDOW_PX, 0))
    excess = np.maximum(picture - (TIMES_SURROUNDINGS * surroundings + np.float32(LEAST_EXCESS)), 0.0)
    strength = excess.max(axis=2)
    most = max(1, int(LARGEST_SHARE * strength.size))
    floor = np.partition(strength, -most, axis=None)[-most] if strength.size > most else 0.0
    rows, columns = np.nonzero((strength > 0.0) & (strength >= floor))
    return Highlights(rows, columns, np.ascontiguousarray(excess[rows, columns], np.float32))


def remove_highlights(front: FloatArray, defocus: FloatArray, highlights: Highlights) -> tuple[FloatArray, Highlights]:
    """Take those with large enough discs off the front surface (H,W,4); return what is left and what was taken."""
    radius = np.abs(defocus[highlights.rows, highlights.columns])
    taken = radius >= LEAST_RADIUS_PX
    rows, columns, excess = highlights.rows[taken], highlights.columns[taken], highlights.excess[taken]
    rest = front.copy()
    rest[rows, columns, :3] = np.maximum(rest[rows, columns, :3] - excess, 0.0)
    return rest, Highlights(rows, columns, excess)


@compiled
def scatter_highlights(top, bottom, rows, columns, excess, front, defocus, looks, counts, lens_of_tile, output):
    """Add the highlights' visible discs to tile rows [top, bottom) of ``output`` (H,W,3); see ``march_tiles``."""
    height, width = defocus.shape[:2]
    first_row, last_row = top * TILE_PX, min(bottom * TILE_PX, height)
    for n in range(len(rows)):
        y, x = rows[n], columns[n]
        s = defocus[y, x, 0]
        radius = abs(s)
        reach = np.int64(radius + ONE)
        light = front[y, x, 3] / (np.float32(math.pi) * radius * radius)
        for j in range(max(y - reach, first_row), min(y + reach + 1, last_row)):
            for i in range(max(x - reach, 0), min(x + reach + 1, width)):
                ty, tx = j // TILE_PX, i // TILE_PX
                distance = np.float32(math.sqrt((j - y) * (j - y) + (i - x) * (i - x)))
                inside = min(radius + HALF - distance, ONE)
                if inside > 0 and lens_of_tile[ty, tx] >= 0:
                    u, v = np.float32(x - i) / s, np.float32(y - j) / s
                    bins = looks[ty, tx, : counts[ty, tx]]
                    weight = inside * light * _transmittance(j, i, u, v, s, front, defocus, bins)
                    for c in range(3):
                        output[j, i, c] += weight * excess[n, c]


@compiled
def _transmittance(y, x, u, v, s, front, defocus, bins):
    """Share of light that passes everything nearer than signed defocus s on the ray through (y, x) and (v, u)."""
    right, bottom = np.float32(defocus.shape[1] - 1), np.float32(defocus.shape[0] - 1)
    x_half, y_half = np.float32(x) + HALF, np.float32(y) + HALF
    light, ceiling = ONE, np.float32(np.inf)
    for k in range(len(bins)):
        low = bins[k]
        if low < s + LOOK_PX:
            break
        middle = low + np.float32(0.5 * BIN_PX)
        ix, iy = nearest_index(x_half + u * middle, right), nearest_index(y_half + v * middle, bottom)
        d = defocus[iy, ix, 0]
        if low <= d < low + LOOK_PX and d < ceiling:
            light *= ONE - front[iy, ix, 3]
            ceiling = d - LOOK_PX
        d = defocus[iy, ix, 1]
        if low <= d < low + LOOK_PX:
            light = np.float32(0)
        if light < LITTLE_LIGHT:
            return np.float32(0)
    return light
