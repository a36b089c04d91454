"""Compiled pair lists for the CPU: which pairs are in reach, their ln C (Eq. 6) and their visible rays (Eq. 8).

The truth is ``dense.log_circle_dense`` and ``visibility.visible_share``; everything here is float64 inside and takes
the same steps. A ray ends at the first point that is blocked.
"""

import math
from typing import Any

import numba
import numpy as np

from ..compiled import compiled
from .visibility import mix

_mix = numba.njit(mix)


@compiled(parallel=True)
def count_partners(grid: Any, teams: np.ndarray, reach_px: np.ndarray, by_keys: bool, counts: np.ndarray) -> None:
    """Write how many partners each team has, counts (G,) int64. Arguments as in ``list_partners``."""
    for g in numba.prange(len(teams)):
        counts[g] = _visit_partners(grid, teams[g], reach_px, by_keys, 0, np.empty(0, np.int32))


@compiled(parallel=True)
def list_partners(
    grid: Any, teams: np.ndarray, reach_px: np.ndarray, by_keys: bool, starts: np.ndarray, partners: np.ndarray
) -> None:
    """Write the rows of each team's partners, ascending, to partners[starts[g]:starts[g + 1]] (int32).

    - ``grid``: (height, width, pitch y, pitch x); rows count the tokens of all pictures, b * height * width + token.
    - ``teams``: (G,4) rows of anchors, keys if ``by_keys``, else queries; neighbours in one row of a picture's grid.
    - ``reach_px``: (R,), of each key; may be infinite. A token is listed if a key reaches a query within the team.
    """
    for g in numba.prange(len(teams)):
        _visit_partners(grid, teams[g], reach_px, by_keys, starts[g], partners)


@compiled
def _visit_partners(
    grid: Any, team: np.ndarray, reach_px: np.ndarray, by_keys: bool, start: int, partners: np.ndarray
) -> int:
    height, width, pitch_y, pitch_x = grid
    first = team[0] - team[0] % (height * width)
    y, left, right = (team[0] - first) // width, (team[0] - first) % width, (team[3] - first) % width
    farthest = max(reach_px[team[0]], reach_px[team[1]], reach_px[team[2]], reach_px[team[3]])
    if not by_keys:
        farthest = reach_px.max()
    halo_y, halo_x = int(min(farthest / pitch_y, height)), int(min(farthest / pitch_x, width))
    count = 0
    for row in range(max(y - halo_y, 0), min(y + halo_y + 1, height)):
        for column in range(max(left - halo_x, 0), min(right + halo_x + 1, width)):
            other = first + row * width + column
            for anchor in team:
                reach = reach_px[anchor if by_keys else other]
                dy, dx = (row - y) * pitch_y, (column - (anchor - first) % width) * pitch_x
                if dy * dy + dx * dx <= reach * reach:
                    if len(partners):
                        partners[start + count] = other
                    count += 1
                    break
    return count


@compiled(parallel=True)
def weigh_pairs(
    lists: Any, grid: Any, lens: Any, scene: Any, rays: Any, log_circle: np.ndarray, visible: np.ndarray
) -> None:
    """Write ln C (<= 0) and the number of visible rays of every pair, both (4,P); one of shape (4,0) is left out.

    - ``lists``: (teams (G,4), starts (G+1,), partners (P,), whether anchors are keys).
    - ``grid``: (height, width, pitch y, pitch x).
    - ``lens``: (slope per px, radius_px (R,), reach_px (R,)); pairs out of reach count as visible.
    - ``scene``: (odds (B,N) d / (1 - d), thresholds (B,N,segments) dt, surfaces (B,h,w), highest (B,h+1,w+1) of the
      four samples around each point between samples, shifts of the sources (B,N,rays,2)).
    - ``rays``: (seed, number of rays, places from the query?, jitter samples?).
    """
    teams, starts, partners, by_keys = lists
    height, width, pitch_y, pitch_x = grid
    slope_per_px, radius_px, reach_px = lens
    for g in numba.prange(len(teams)):
        for m in range(4):
            anchor = teams[g, m]
            picture = anchor // (height * width)
            for pair in range(starts[g], starts[g + 1]):
                other = np.int64(partners[pair])
                key_row = anchor if by_keys else other
                key, query = key_row % (height * width), (anchor + other - key_row) % (height * width)
                dy, dx = (query // width - key // width) * pitch_y, (query % width - key % width) * pitch_x
                distance_px = math.sqrt(dy * dy + dx * dx)
                if log_circle.shape[1]:
                    log_circle[m, pair] = _log_sigmoid(slope_per_px * (radius_px[key_row] - distance_px))
                if visible.shape[1]:
                    count = rays[1]
                    for ray in range(rays[1] if distance_px <= reach_px[key_row] else 0):
                        count -= _is_blocked(scene, rays, width, ray, picture, query, key)
                    visible[m, pair] = count


@compiled
def _log_sigmoid(x: float) -> float:
    if x > 0.0:
        return -math.log1p(math.exp(-x)) if x < 37.0 else 0.0
    return x - math.log1p(math.exp(x)) if x > -37.0 else x


@compiled
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


@compiled
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
