"""Compiled pair weights for the CPU: ln C (Eq. 6) and the count of visible rays (Eq. 8) of blocks of pairs.

The truth is ``dense.log_circle_dense`` and ``visibility.visible_share``; everything here is float64 inside and takes
the same steps in the same order. A ray ends at the first point that is blocked, and pairs beyond the key's reach are
skipped.
"""

import math
from typing import Any

import numba
import numpy as np

from .visibility import mix

_mix = numba.njit(mix)


@numba.njit(cache=True)
def _log_sigmoid(x: float) -> float:
    if x > 0.0:
        return -math.log1p(math.exp(-x)) if x < 37.0 else 0.0
    return x - math.log1p(math.exp(x)) if x > -37.0 else x


@numba.njit(cache=True)
def _surface_at(surface: np.ndarray, y: float, x: float) -> float:
    """Read a map (h,w) bilinearly at y, x in samples from its corner; 0 outside."""
    height, width = surface.shape
    top, left = math.floor(y - 0.5), math.floor(x - 0.5)
    down, right = y - 0.5 - top, x - 0.5 - left
    row, column = int(top), int(left)
    if 0 <= row and row + 1 < height and 0 <= column and column + 1 < width:
        upper = surface[row, column] * (1.0 - right) + surface[row, column + 1] * right
        lower = surface[row + 1, column] * (1.0 - right) + surface[row + 1, column + 1] * right
        return upper * (1.0 - down) + lower * down
    total = 0.0
    for i in range(2):
        for j in range(2):
            if 0 <= row + i < height and 0 <= column + j < width:
                weight = (down if i else 1.0 - down) * (right if j else 1.0 - right)
                total += weight * surface[row + i, column + j]
    return total


@numba.njit(cache=True)
def _is_blocked(scene: Any, rays: Any, ray: int, picture: int, query: int, key: int) -> bool:
    """Whether any point of one ray lies behind a surface (Eq. 7-8)."""
    width, disparity, surfaces, highest, shifts = scene
    seed, _, weights, mixed, jitter_samples = rays
    surface = surfaces[picture]
    oversampling = surface.shape[1] // width
    d_q, d_s = disparity[picture, query], disparity[picture, key]
    query_y, query_x = query // width + 0.5, query % width + 0.5
    to_source_y = key // width + 0.5 + shifts[picture, key, ray, 0] - query_y
    to_source_x = key % width + 0.5 + shifts[picture, key, ray, 1] - query_x
    for segment in range(len(weights)):
        t = weights[segment]
        threshold = t * d_s + (1.0 - t)
        if threshold >= highest[picture]:
            continue
        dt = t * d_q + (1.0 - t) if mixed else threshold
        share = (1.0 - dt) * d_s / ((1.0 - d_s) * dt)
        y, x = share * to_source_y + query_y, share * to_source_x + query_x
        if jitter_samples and ray > 0:
            h = _mix(_mix(_mix(_mix(seed, picture), query), key), ray)
            y += _mix(h, 2 * segment) * 2.0**-32 - 0.5
            x += _mix(h, 2 * segment + 1) * 2.0**-32 - 0.5
        if _surface_at(surface, y * oversampling, x * oversampling) > threshold:
            return True
    return False


@numba.njit(cache=True)
def _log_circle(lens: Any, width: int, key_row: int, query: int, key: int) -> float:
    slope_per_px, pitch_y, pitch_x, radius_px = lens
    dy, dx = (query // width - key // width) * pitch_y, (query % width - key % width) * pitch_x
    return _log_sigmoid(slope_per_px * (radius_px[key_row] - math.sqrt(dy * dy + dx * dx)))


@numba.njit(parallel=True, cache=True)
def fill_pairs(
    blocks: Any, shape: Any, lens: Any, scene: Any, rays: Any, cut: float, log_circle: np.ndarray, visible: np.ndarray
) -> None:
    """Write ln C and the number of visible rays of every pair of every block, both (T,n,m); an empty array is left out.

    - ``blocks``: (anchors (T,n), windows (T,m), anchors_are_keys), int64 row numbers over all pictures.
    - ``shape``: (tokens of a picture, width of its grid).
    - ``lens``: (slope per px, pitch y, pitch x, radius_px (B*N,)).
    - ``scene``: (width, disparity (B,N), surfaces (B,h,w), their maxima (B,), shifts of the sources (B,N,rays,2)).
    - ``rays``: (seed, number of rays, weights (segments,), places from the query?, jitter samples?).
    - ``cut``: pairs with ln C below -cut count as visible: nobody asks.
    """
    anchors, windows, anchors_are_keys = blocks
    tokens, width = shape
    for block in numba.prange(anchors.shape[0]):
        for i in range(anchors.shape[1]):
            for j in range(windows.shape[1]):
                anchor, other = anchors[block, i], windows[block, j]
                key_row, query_row = (anchor, other) if anchors_are_keys else (other, anchor)
                picture, key, query = key_row // tokens, key_row % tokens, query_row % tokens
                log_c = 0.0
                if log_circle.size:
                    log_c = _log_circle(lens, width, key_row, query, key)
                    log_circle[block, i, j] = log_c
                if visible.size:
                    count = rays[1]
                    if log_c >= -cut:
                        for ray in range(rays[1]):
                            count -= _is_blocked(scene, rays, ray, picture, query, key)
                    visible[block, i, j] = count
