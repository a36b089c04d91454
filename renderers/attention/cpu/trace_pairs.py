"""Compiled rays for the CPU: how many of each pair's reach their query (Eq. 7-8), for sixteen pairs at a time.

The truth is ``visibility.visible_share``; everything here is float64 and takes the same steps. Most rays pass far
before everything: sixteen pairs are asked together, in vectors, for the first point at which any ray of theirs could
lie behind a surface, and from there rays are followed one by one. A ray ends at the first point that is blocked.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from ....core.compiled import compiled
from ..visibility import mix
from .records import Occluders, Rays, TokenGrid, Tracing
from .simd_matmul import LANES

_mix = numba.njit(mix)


class _Lanes(NamedTuple):
    """A pair in each of sixteen lanes: what its rays need, (16,) or (segments,16).

    ``query_y`` to ``key_x``: centres in tokens from the picture's corner; ``odds``, ``ratios``, ``thresholds`` as in
    ``Occluders``; ``reach_px`` of the keys; ``busy`` (segments,): the lanes whose keys are not idle there, as bits.
    """

    query_y: np.ndarray
    query_x: np.ndarray
    key_y: np.ndarray
    key_x: np.ndarray
    odds: np.ndarray
    reach_px: np.ndarray
    ratios: np.ndarray
    thresholds: np.ndarray
    busy: np.ndarray


@compiled
def trace_pairs(
    teams: tuple[int, int], tracing: Tracing, begins: np.ndarray, ends: np.ndarray, visible: np.ndarray
) -> None:
    """Write the number of visible rays (P,n) of each team's partners from its begin to its end, (G,) each."""
    for g in range(teams[0], teams[1]):
        trace_team(tracing, g, begins[g], ends[g], visible)


@compiled
def trace_team(tracing: Tracing, g: int, begin: int, end: int, visible: np.ndarray) -> None:
    """Write the number of visible rays of one team's partners from ``begin`` to ``end``."""
    lists, grid, _, scene, rays = tracing
    team, by_keys = lists.teams[g], lists.by_keys
    picture = team[0] // len(grid.places)
    first, segments, around = picture * len(grid.places), scene.thresholds.shape[2], scene.around[picture]
    lanes = _make_lanes(segments)
    for lane in range(LANES):
        if by_keys:
            _set_keys(tracing, picture, team[lane] - first, lane, lane + 1, lanes)
        else:
            _set_queries(tracing, picture, team[lane] - first, lane, lane + 1, lanes)
    for pair in range(lists.starts[g] + begin, lists.starts[g] + end):
        other = lists.partners[pair] - first
        if by_keys:
            _set_queries(tracing, picture, other, 0, LANES, lanes)
        else:
            _set_keys(tracing, picture, other, 0, LANES, lanes)
        for lane in range(LANES):
            visible[pair, lane] = rays.per_pair
        left = _find_in_reach(grid, lanes)
        for segment in range(segments):
            asked = left & lanes.busy[segment]
            if asked == 0:
                continue
            found = asked & _find_danger(around, scene.oversampling, lanes, segment)
            left &= ~found
            for lane in range(LANES if found else 0):
                if found >> lane & 1:
                    anchor = team[lane] - first
                    query, key = (other, anchor) if by_keys else (anchor, other)
                    visible[pair, lane] -= _count_blocked(scene, rays, picture, query, key, lanes, lane, segment)


@compiled
def _make_lanes(segments: int) -> _Lanes:
    query_y, query_x, key_y, key_x = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    ratios, thresholds = np.empty((segments, LANES)), np.empty((segments, LANES))
    busy = np.zeros(segments, np.int64)
    return _Lanes(query_y, query_x, key_y, key_x, np.empty(LANES), np.empty(LANES), ratios, thresholds, busy)


@compiled
def _set_queries(tracing: Tracing, picture: int, query: int, begin: int, end: int, lanes: _Lanes) -> None:
    """Make a token of a picture the query of the lanes from ``begin`` to ``end``."""
    query_y, query_x, ratios, places = lanes.query_y, lanes.query_x, lanes.ratios, tracing.grid.places
    y, x = places[query, 0] + 0.5, places[query, 1] + 0.5
    for lane in range(begin, end):
        query_y[lane], query_x[lane] = y, x
    if tracing.rays.from_query:
        for segment in range(len(ratios)):
            for lane in range(begin, end):
                ratios[segment, lane] = tracing.scene.ratios[picture, query, segment]


@compiled
def _set_keys(tracing: Tracing, picture: int, key: int, begin: int, end: int, lanes: _Lanes) -> None:
    """Make a token of a picture the key of the lanes from ``begin`` to ``end``."""
    scene, places, bits = tracing.scene, tracing.grid.places, (1 << end) - (1 << begin)
    for lane in range(begin, end):
        lanes.key_y[lane], lanes.key_x[lane] = places[key, 0] + 0.5, places[key, 1] + 0.5
        lanes.odds[lane], lanes.reach_px[lane] = scene.odds[picture, key], tracing.reach_px[picture * len(places) + key]
    for segment in range(len(lanes.busy)):
        for lane in range(begin, end):
            lanes.thresholds[segment, lane] = scene.thresholds[picture, key, segment]
            if not tracing.rays.from_query:
                lanes.ratios[segment, lane] = scene.ratios[picture, key, segment]
        others = lanes.busy[segment] & ~bits
        lanes.busy[segment] = others | bits if segment >= scene.idle[picture, key] else others


@compiled
def _find_in_reach(grid: TokenGrid, lanes: _Lanes) -> int:
    """Return the lanes whose keys reach their queries, as bits."""
    query_y, query_x, key_y, key_x = lanes.query_y, lanes.query_x, lanes.key_y, lanes.key_x
    pitch_y, pitch_x, reach_px, found = grid.pitch_y_px, grid.pitch_x_px, lanes.reach_px, 0
    for lane in range(LANES):
        dy, dx = (query_y[lane] - key_y[lane]) * pitch_y, (query_x[lane] - key_x[lane]) * pitch_x
        found |= int(math.sqrt(dy * dy + dx * dx) <= reach_px[lane]) << lane
    return found


@compiled
def _find_danger(around: np.ndarray, oversampling: int, lanes: _Lanes, segment: int) -> int:
    """Return the lanes of which any ray could lie behind a surface, ``around`` (h+1,w+1), at one point, as bits."""
    query_y, query_x, key_y, key_x, odds = lanes.query_y, lanes.query_x, lanes.key_y, lanes.key_x, lanes.odds
    ratios, thresholds = lanes.ratios[segment], lanes.thresholds[segment]
    flat, pitch = around.reshape(-1), around.shape[1]
    last_row, last_column, found = around.shape[0] - 1.0, around.shape[1] - 1.0, 0
    for lane in range(LANES):
        share = ratios[lane] * odds[lane]
        y = (share * (key_y[lane] - query_y[lane]) + query_y[lane]) * oversampling - 0.5
        x = (share * (key_x[lane] - query_x[lane]) + query_x[lane]) * oversampling - 0.5
        row = np.minimum(np.maximum(np.floor(y) + 1.0, 0.0), last_row)
        column = np.minimum(np.maximum(np.floor(x) + 1.0, 0.0), last_column)
        cell = np.uint32(np.int32(row) * np.int32(pitch) + np.int32(column))
        found |= int(flat[cell] > thresholds[lane]) << lane
    return found


@compiled
def _count_blocked(
    scene: Occluders, rays: Rays, picture: int, query: int, key: int, lanes: _Lanes, lane: int, begin: int
) -> int:
    """Return how many rays of a lane's pair are blocked (Eq. 7-8), none of them before the point ``begin``."""
    surface, highest, shifts = scene.surfaces[picture], scene.highest[picture], scene.shifts[picture, key]
    ratios, thresholds, odds, oversampling = lanes.ratios, lanes.thresholds, lanes.odds[lane], scene.oversampling
    query_y, query_x, key_y, key_x = lanes.query_y[lane], lanes.query_x[lane], lanes.key_y[lane], lanes.key_x[lane]
    count = 0
    for ray in range(rays.per_pair):
        source_y, source_x = key_y + shifts[ray, 0], key_x + shifts[ray, 1]
        for segment in range(begin, len(thresholds)):
            share, threshold = ratios[segment, lane] * odds, thresholds[segment, lane]
            y, x = share * (source_y - query_y) + query_y, share * (source_x - query_x) + query_x
            if rays.jitter_samples and ray > 0:
                h = _mix(_mix(_mix(_mix(rays.seed, picture), query), key), ray)
                y += _mix(h, 2 * segment) * 2.0**-32 - 0.5
                x += _mix(h, 2 * segment + 1) * 2.0**-32 - 0.5
            y, x = y * oversampling - 0.5, x * oversampling - 0.5
            row, column = _cell(highest, y, x)
            if highest[row, column] > threshold and _surface_at(surface, y, x) > threshold:
                count += 1
                break
    return count


@compiled
def _cell(highest: np.ndarray, y: float, x: float) -> tuple[int, int]:
    """Return the row and column of the cell between four samples that holds y, x in samples; outside the nearest."""
    row = min(max(math.floor(y) + 1, 0), highest.shape[0] - 1)
    column = min(max(math.floor(x) + 1, 0), highest.shape[1] - 1)
    return row, column


@compiled
def _surface_at(surface: np.ndarray, y: float, x: float) -> float:
    """Read a map (h,w) bilinearly at y, x in samples from the centre of its first; 0 outside."""
    top, left = math.floor(y), math.floor(x)
    down, right = y - top, x - left
    total = 0.0
    for row, over in ((top, 1.0 - down), (top + 1, down)):
        for column, across in ((left, 1.0 - right), (left + 1, right)):
            if 0 <= row < surface.shape[0] and 0 <= column < surface.shape[1]:
                total += over * across * surface[row, column]
    return total
