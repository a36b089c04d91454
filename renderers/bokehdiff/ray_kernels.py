"""Compiled pair lists for the CPU: which pairs are in reach, their ln C (Eq. 6) and their visible rays (Eq. 8).

The truth is ``dense.log_circle_dense`` and ``visibility.visible_share``; everything here is float64 inside and takes
the same steps. A ray ends at the first point that is blocked.
"""

import math
from typing import Any

import numba
import numpy as np

from .visibility import mix

_mix = numba.njit(mix)


@numba.njit(parallel=True, cache=True)
def count_partners(grid: Any, reach_px: np.ndarray, anchors_are_keys: bool, counts: np.ndarray) -> None:
    """Write how many partners each anchor has, counts (R,) int64. Arguments as in ``list_partners``."""
    for index in numba.prange(len(counts)):
        anchor = np.int64(index)  # prange counts unsigned, and unsigned - signed is a float
        counts[anchor] = _visit_partners(grid, reach_px, anchors_are_keys, anchor, 0, np.empty(0, np.int32))


@numba.njit(parallel=True, cache=True)
def list_partners(
    grid: Any, reach_px: np.ndarray, anchors_are_keys: bool, starts: np.ndarray, partners: np.ndarray
) -> None:
    """Write the rows of each anchor's partners, ascending, to partners[starts[anchor]:starts[anchor + 1]] (int32).

    - ``grid``: (height, width, pitch y, pitch x); rows count the tokens of all pictures, b * height * width + token.
    - ``reach_px``: (R,), of each key; may be infinite. A pair is listed if the key reaches the query.
    """
    for index in numba.prange(len(starts) - 1):
        anchor = np.int64(index)
        _visit_partners(grid, reach_px, anchors_are_keys, anchor, starts[anchor], partners)


@numba.njit(cache=True)
def _visit_partners(
    grid: Any, reach_px: np.ndarray, anchors_are_keys: bool, anchor: Any, start: int, partners: np.ndarray
) -> int:
    height, width, pitch_y, pitch_x = grid
    first = anchor - anchor % (height * width)
    y, x = (anchor - first) // width, (anchor - first) % width
    farthest = reach_px[anchor] if anchors_are_keys else reach_px.max()
    halo_y, halo_x = int(min(farthest / pitch_y, height)), int(min(farthest / pitch_x, width))
    count = 0
    for row in range(max(y - halo_y, 0), min(y + halo_y + 1, height)):
        for column in range(max(x - halo_x, 0), min(x + halo_x + 1, width)):
            other = first + row * width + column
            reach = reach_px[anchor if anchors_are_keys else other]
            dy, dx = (row - y) * pitch_y, (column - x) * pitch_x
            if dy * dy + dx * dx <= reach * reach:
                if len(partners):
                    partners[start + count] = other
                count += 1
    return count


@numba.njit(parallel=True, cache=True)
def weigh_pairs(
    lists: Any, grid: Any, lens: Any, scene: Any, rays: Any, log_circle: np.ndarray, visible: np.ndarray
) -> None:
    """Write ln C (<= 0) and the number of visible rays of every listed pair, both (P,); an empty array is left out.

    - ``lists``: (anchors (A,), starts (A+1,), partners (P,), whether anchors are keys); anchors and partners are rows.
    - ``grid``: (height, width, pitch y, pitch x).
    - ``lens``: (slope per px, radius_px (R,), reach_px (R,)); pairs out of reach count as visible.
    - ``scene``: (odds (B,N) d / (1 - d), thresholds (B,N,segments) dt, surfaces (B,h,w), highest (B,h+1,w+1) of the
      four samples around each point between samples, shifts of the sources (B,N,rays,2)).
    - ``rays``: (seed, number of rays, places from the query?, jitter samples?).
    """
    anchors, starts, partners, anchors_are_keys = lists
    height, width, pitch_y, pitch_x = grid
    slope_per_px, radius_px, reach_px = lens
    for index in numba.prange(len(anchors)):
        anchor = anchors[index]
        picture = anchor // (height * width)
        for pair in range(starts[index], starts[index + 1]):
            other = np.int64(partners[pair])
            key_row = anchor if anchors_are_keys else other
            key, query = key_row % (height * width), (anchor + other - key_row) % (height * width)
            dy, dx = (query // width - key // width) * pitch_y, (query % width - key % width) * pitch_x
            distance_px = math.sqrt(dy * dy + dx * dx)
            if len(log_circle):
                log_circle[pair] = _log_sigmoid(slope_per_px * (radius_px[key_row] - distance_px))
            if len(visible):
                count = rays[1]
                if distance_px <= reach_px[key_row]:
                    for ray in range(rays[1]):
                        count -= _is_blocked(scene, rays, width, ray, picture, query, key)
                visible[pair] = count


@numba.njit(cache=True)
def _log_sigmoid(x: float) -> float:
    if x > 0.0:
        return -math.log1p(math.exp(-x)) if x < 37.0 else 0.0
    return x - math.log1p(math.exp(x)) if x > -37.0 else x


@numba.njit(cache=True)
def _is_blocked(scene: Any, rays: Any, width: int, ray: int, picture: int, query: int, key: int) -> bool:
    """Whether any point of one ray lies behind a surface (Eq. 7-8)."""
    odds, thresholds, surfaces, highest, shifts = scene
    seed, _, mixed, jitter_samples = rays
    oversampling = surfaces.shape[2] // width
    query_y, query_x = query // width + 0.5, query % width + 0.5
    to_source_y = key // width + 0.5 + shifts[picture, key, ray, 0] - query_y
    to_source_x = key % width + 0.5 + shifts[picture, key, ray, 1] - query_x
    for segment in range(thresholds.shape[2]):
        dt = thresholds[picture, query if mixed else key, segment]
        share = (1.0 - dt) / dt * odds[picture, key]
        y, x = share * to_source_y + query_y, share * to_source_x + query_x
        if jitter_samples and ray > 0:
            h = _mix(_mix(_mix(_mix(seed, picture), query), key), ray)
            y += _mix(h, 2 * segment) * 2.0**-32 - 0.5
            x += _mix(h, 2 * segment + 1) * 2.0**-32 - 0.5
        y, x, threshold = y * oversampling - 0.5, x * oversampling - 0.5, thresholds[picture, key, segment]
        row = min(max(math.floor(y) + 1, 0), highest.shape[1] - 1)
        column = min(max(math.floor(x) + 1, 0), highest.shape[2] - 1)
        if highest[picture, row, column] > threshold and _surface_at(surfaces, picture, y, x) > threshold:
            return True
    return False


@numba.njit(cache=True)
def _surface_at(surfaces: np.ndarray, picture: int, y: float, x: float) -> float:
    """Read a map bilinearly at y, x in samples from the centre of its first; 0 outside."""
    top, left = math.floor(y), math.floor(x)
    down, right = y - top, x - left
    total = 0.0
    for row, over in ((top, 1.0 - down), (top + 1, down)):
        for column, across in ((left, 1.0 - right), (left + 1, right)):
            if 0 <= row < surfaces.shape[1] and 0 <= column < surfaces.shape[2]:
                total += over * across * surfaces[picture, row, column]
    return total
