"""Highlights are scattered, not sampled: a point of light becomes a whole round disc, however few the lens samples.

What exceeds its surroundings is taken off the front surface and spread over its disc, pixel by pixel, as far as a ray
from there to the highlight is not blocked by something nearer.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import label

from ....core.compiled import compiled
from ..surfaces import NOTHING, FloatArray, Surfaces
from .march import HALF, LITTLE_LIGHT, ONE
from .reach import BIN_PX, LOOK_PX, TILE_PX
from .strips import run_strips, split_rows

WINDOW_PX = 17
TIMES_SURROUNDINGS = 2.0
LEAST_EXCESS = 0.1
"""A highlight is brighter than TIMES_SURROUNDINGS the mean of its window plus this, linear light."""

LARGEST_SHARE = 0.005
"""Bounds the time that highlights take."""

LEAST_SEEN = np.float32(0.1)
"""Of a highlight behind a mixed pixel: less than this share tells nothing of the rest."""

LEAST_RADIUS_PX = 2.0
"""Smaller discs are sampled densely enough as they are."""


@dataclass(frozen=True, eq=False)
class Highlights:
    """Rows and columns (n,) int64; light (n,3) float32, linear; the surface it is on, (n,) int64: 1 is the back."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    light: FloatArray
    layers: NDArray[np.int64]

    def select(self, which: NDArray[np.bool_]) -> "Highlights":
        """Return some of them; ``which``: (n,) bool."""
        return Highlights(self.rows[which], self.columns[which], self.light[which], self.layers[which])


def split_off(picture: FloatArray, largest_share: float = LARGEST_SHARE) -> tuple[FloatArray, Highlights]:
    """Take what exceeds its surroundings off (H,W,3) float32, linear; return the rest and what was taken.

    ``largest_share``: at most this share of the pixels, the brightest, are highlights.
    """
    surroundings = cv2.blur(picture, (WINDOW_PX, WINDOW_PX), borderType=cv2.BORDER_REFLECT)
    strength = np.empty(picture.shape[:2], np.float32)
    threads = torch.get_num_threads()
    run_strips(
        lambda top, bottom: _measure_excess(top, bottom, picture, surroundings, strength),
        split_rows(np.ones(len(picture)), threads),
        threads,
    )
    rows, columns = np.nonzero(strength > 0.0)
    most = int(largest_share * strength.size)
    if len(rows) > most:
        found = strength[rows, columns]
        brightest = found >= np.partition(found, -most)[-most] if most else np.zeros(len(rows), np.bool_)
        rows, columns = rows[brightest], columns[brightest]
    excess = np.maximum(picture[rows, columns] - _limit(surroundings[rows, columns]), 0.0)
    light = np.ascontiguousarray(excess, np.float32)
    rest = picture.copy()
    rest[rows, columns] -= light
    return rest, Highlights(rows, columns, light, np.zeros_like(rows))


@compiled
def _limit(surroundings: Any) -> Any:
    """Return what is brighter than this is a highlight beside its surroundings; float32, any shape."""
    return np.float32(TIMES_SURROUNDINGS) * surroundings + np.float32(LEAST_EXCESS)


@compiled
def _measure_excess(top: int, bottom: int, picture: FloatArray, surroundings: FloatArray, strength: FloatArray) -> None:
    """Write by how much the brightest channel exceeds its limit, or 0, into rows [top, bottom) of ``strength``."""
    for y in range(top, bottom):
        for x in range(picture.shape[1]):
            largest = np.float32(0)
            for c in range(3):
                largest = max(largest, picture[y, x, c] - _limit(surroundings[y, x, c]))
            strength[y, x] = largest


def assign_to_surface(highlights: Highlights, surfaces: Surfaces) -> Highlights:
    """Put each on the surface, of the two in its pixel, that is nearer to the depth of the blob it belongs to.

    A lamp whose rim shines between hairs stays one lamp, and what the hairs hide of it is added: its pixel shows the
    share 1 - coverage of its light.
    """
    at = highlights.rows, highlights.columns
    coverage, front, back = surfaces.front[at][:, 3], surfaces.front_disparity[at], surfaces.back_disparity[at]
    mixed = (coverage < 1.0) & (back > NOTHING)
    back = np.where(mixed, back, front)
    lit = np.zeros(surfaces.front_disparity.shape, np.bool_)
    lit[at] = True
    blobs = label(lit, np.ones((3, 3)))[0][at]
    strength = highlights.light.sum(axis=1)
    depth = np.bincount(blobs, strength * (coverage * front + (1.0 - coverage) * back))
    blob_disparity = (depth / np.maximum(np.bincount(blobs, strength), 1e-12))[blobs]
    behind = mixed & (np.abs(back - blob_disparity) < np.abs(front - blob_disparity))
    seen = np.where(behind, np.maximum(1.0 - coverage, LEAST_SEEN), 1.0).astype(np.float32)
    return Highlights(*at, highlights.light / seen[:, None], behind.astype(np.int64))


def return_small(
    highlights: Highlights, front: FloatArray, back: FloatArray, defocus: FloatArray
) -> tuple[Highlights, FloatArray, FloatArray]:
    """Return those with large discs; the others' light goes back to their surfaces, copies of which are returned.

    ``front``: (H,W,4), ``back``: (H,W,3), ``defocus``: (H,W,2) signed px.
    """
    front, back = front.copy(), back.copy()
    large = np.abs(defocus[highlights.rows, highlights.columns, highlights.layers]) >= LEAST_RADIUS_PX
    on_front = highlights.select(~large & (highlights.layers == 0))
    on_back = highlights.select(~large & (highlights.layers == 1))
    coverage = front[on_front.rows, on_front.columns, 3:]
    front[on_front.rows, on_front.columns, :3] += on_front.light / coverage
    back[on_back.rows, on_back.columns] += on_back.light
    return highlights.select(large), front, back


@compiled
def scatter_highlights(
    top: int,
    bottom: int,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    light: FloatArray,
    layers: NDArray[np.integer],
    front: FloatArray,
    defocus: FloatArray,
    looks: FloatArray,
    counts: NDArray[np.integer],
    lens_of_tile: NDArray[np.integer],
    output: FloatArray,
) -> None:
    """Add the highlights' visible discs to tile rows [top, bottom) of ``output`` (H,W,3); see ``march_tiles``."""
    height, width = defocus.shape[:2]
    first_row, last_row = top * TILE_PX, min(bottom * TILE_PX, height)
    for n in range(len(rows)):
        y, x = rows[n], columns[n]
        s = defocus[y, x, layers[n]]
        radius = abs(s)
        reach = np.int64(radius + ONE)
        share = ONE / (np.float32(math.pi) * radius * radius)
        for j in range(max(y - reach, first_row), min(y + reach + 1, last_row)):
            for i in range(max(x - reach, 0), min(x + reach + 1, width)):
                ty, tx = j // TILE_PX, i // TILE_PX
                distance = np.float32(math.sqrt((j - y) * (j - y) + (i - x) * (i - x)))
                inside = min(radius + HALF - distance, ONE)
                if inside > 0 and lens_of_tile[ty, tx] >= 0:
                    u, v = np.float32(x - i) / s, np.float32(y - j) / s
                    bins = looks[ty, tx, : counts[ty, tx]]
                    weight = inside * share * _transmittance(j, i, u, v, s, front, defocus, bins)
                    for c in range(3):
                        output[j, i, c] += weight * light[n, c]


@compiled
def _transmittance(
    y: int,
    x: int,
    u: np.float32,
    v: np.float32,
    s: np.float32,
    front: FloatArray,
    defocus: FloatArray,
    bins: FloatArray,
) -> np.float32:
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


@compiled
def nearest_index(position_half: np.float32, last: np.float32) -> np.uint32:
    """Index of the pixel, the frame's border pixels continued outside: there the surfaces block rays like inside."""
    return np.uint32(min(max(position_half, np.float32(0)), last + HALF))
