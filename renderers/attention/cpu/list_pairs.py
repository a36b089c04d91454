"""Compiled pair lists for the CPU: which pairs are in reach, their ln C (Eq. 6) and their visible rays (Eq. 8).

The truth is ``reference.log_circle_dense`` and ``visibility.visible_share``; everything here is float64 inside and
takes the same steps. A ray ends at the first point that is blocked.
"""

import math

import numba
import numpy as np

from ....core.compiled import compiled
from ..visibility import mix
from .exponentials import exponential, log_one_plus
from .records import Lens, Lists, Occluders, Rays, TokenGrid, Tracing

_mix = numba.njit(mix)

RING_TOKENS = 0.5
"""Partners whose distance differs by less keep the order of their rows."""

RINGS = 256

LOG_TRACED_FROM = 20.0
"""Pairs with C below e^-20 are traced only where a large logit lifts them."""


@compiled(parallel=True)
def list_partners(
    grid: TokenGrid,
    teams: np.ndarray,
    reach_px: np.ndarray,
    by_keys: bool,
    starts: np.ndarray,
    counts: np.ndarray,
    partners: np.ndarray,
) -> None:
    """Write how many partners each team has, counts (G,) int64, and their rows where ``partners`` is not empty.

    - ``teams``: (G,n) rows of anchors, keys if ``by_keys``, else queries; neighbours in one picture, row by row.
    - ``reach_px``: (R,), of each key; may be infinite. A token is listed if a key reaches a query within the team.
    - ``partners``: int32, a team's from starts[g] on, the surest in reach first.
    """
    for g in numba.prange(len(teams)):
        length = counts[g] if len(partners) else 0
        found, spare_px = np.empty(length, np.int32), np.empty(length)
        counts[g] = _visit_partners(grid, teams[g], reach_px, by_keys, found, spare_px)
        if length:
            _sort_rings(found, spare_px, RING_TOKENS * min(grid.pitch_y_px, grid.pitch_x_px), partners, starts[g])


@compiled
def _sort_rings(found: np.ndarray, spare_px: np.ndarray, ring_px: float, partners: np.ndarray, start: int) -> None:
    """Copy partners ring by ring, the most to spare first, and within a ring in their order."""
    most = 0.0
    for spare in spare_px:
        most = max(most, spare)
    rings = np.empty(len(found), np.int64)
    places = np.zeros(RINGS + 1, np.int64)
    for i in range(len(found)):
        rings[i] = 0 if most == math.inf else int(min((most - spare_px[i]) / ring_px, RINGS - 1.0))
        places[rings[i] + 1] += 1
    for ring in range(RINGS):
        places[ring + 1] += places[ring]
    for i in range(len(found)):
        partners[start + places[rings[i]]] = found[i]
        places[rings[i]] += 1


@compiled
def _visit_partners(
    grid: TokenGrid, team: np.ndarray, reach_px: np.ndarray, by_keys: bool, partners: np.ndarray, spare_px: np.ndarray
) -> int:
    """Count a team's partners; where there is space list them, with the most by which a reach exceeds the distance."""
    height, width, pitch_y, pitch_x = grid.height, grid.width, grid.pitch_y_px, grid.pitch_x_px
    first = _first_row(grid, team)
    top, left = (team[0] - first) // width, (team[0] - first) % width
    bottom, right = (team[-1] - first) // width, (team[-1] - first) % width
    farthest = 0.0
    for anchor in team:
        farthest = max(farthest, reach_px[anchor])
    if not by_keys:
        for reach in reach_px:
            farthest = max(farthest, reach)
    halo_y, halo_x = int(min(farthest / pitch_y, height)), int(min(farthest / pitch_x, width))
    distances_px, reaches_px, count = np.empty(len(team)), reach_px[team], 0
    for row in range(max(top - halo_y, 0), min(bottom + halo_y + 1, height)):
        for column in range(max(left - halo_x, 0), min(right + halo_x + 1, width)):
            other, spare = first + row * width + column, -1.0
            _measure_team(grid, team, first, other - first, distances_px)
            for m in range(len(team)):
                reach = reaches_px[m] if by_keys else reach_px[other]
                spare = max(spare, reach - distances_px[m])
            if spare >= 0.0:
                if len(partners):
                    partners[count], spare_px[count] = other, spare
                count += 1
    return count


@compiled(parallel=True)
def weigh_pairs(
    lists: Lists, grid: TokenGrid, lens: Lens, log_circle: np.ndarray, log_rest: np.ndarray, near: np.ndarray
) -> None:
    """Write ln C (<= 0) of every pair, (P,n).

    And ``log_rest`` (P,), what C adds up to from each partner of a list to its end, at most, as a logarithm; ``near``
    (G,), how many of a team's partners come before the last with C above e^-``LOG_TRACED_FROM``.
    """
    teams, starts, partners, by_keys = lists.teams, lists.starts, lists.partners, lists.by_keys
    slope_per_px, radius_px = lens.slope_per_px, lens.radius_px
    number = log_circle.dtype.type
    for g in numba.prange(len(teams)):
        team, first = teams[g], _first_row(grid, teams[g])
        distances_px, radii_px = np.empty(len(team)), radius_px[team]
        rest, count = 0.0, starts[g + 1] - starts[g]
        near[g] = 0
        for back in range(count):
            pair = starts[g + 1] - 1 - back
            other, row, brightest = partners[pair], log_circle[pair], number(-math.inf)
            _measure_team(grid, team, first, other - first, distances_px)
            for m in range(len(team)):
                radius = radii_px[m] if by_keys else radius_px[other]
                x = number(slope_per_px * (radius - distances_px[m]))
                row[m] = np.minimum(x, number(0.0)) - log_one_plus(exponential(-np.abs(x)))
            for m in range(len(team)):
                brightest = max(brightest, row[m])
            rest += math.exp(brightest)
            log_rest[pair] = math.log(rest)
            if brightest >= -LOG_TRACED_FROM and near[g] == 0:
                near[g] = count - back


@compiled(parallel=True)
def find_nearest(grid: TokenGrid, reach_px: np.ndarray, surfaces: np.ndarray, nearest: np.ndarray) -> None:
    """Write the highest disparity among the tokens that each key may reach, (B,N).

    ``surfaces``: (B,height,width), the highest within each token.
    """
    height, width, pitch_y, pitch_x = grid.height, grid.width, grid.pitch_y_px, grid.pitch_x_px
    for n in numba.prange(nearest.size):
        row = np.int64(n)
        picture, token = row // (height * width), row % (height * width)
        y, x = int(token // width), int(token % width)
        # one token more: rounding must not leave out what ``_measure`` finds in reach
        halo_y = int(min(reach_px[row] / pitch_y + 1.0, height))
        halo_x = int(min(reach_px[row] / pitch_x + 1.0, width))
        highest = -math.inf
        for i in range(max(y - halo_y, 0), min(y + halo_y + 1, height)):
            for j in range(max(x - halo_x, 0), min(x + halo_x + 1, width)):
                highest = max(highest, surfaces[picture, i, j])
        nearest[picture, token] = highest


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
    lists, grid, reach_px, scene, rays = tracing
    team, partners, by_keys = lists.teams[g], lists.partners, lists.by_keys
    segments, first = scene.thresholds.shape[2], _first_row(grid, team)
    picture = first // len(grid.places)
    for pair in range(lists.starts[g] + begin, lists.starts[g] + end):
        other = partners[pair] - first
        for m in range(len(team)):
            anchor, count = team[m] - first, rays.per_pair
            query, key = (other, anchor) if by_keys else (anchor, other)
            if scene.idle[picture, key] < segments and _measure(grid, query, key) <= reach_px[first + key]:
                danger = _find_danger(scene, rays, grid, picture, query, key)
                for ray in range(rays.per_pair if danger < segments else 0):
                    count -= _is_blocked(scene, rays, grid, ray, picture, query, key, danger)
            visible[pair, m] = count


@compiled
def _first_row(grid: TokenGrid, team: np.ndarray) -> int:
    """Return the first row of a team's picture."""
    return team[0] - team[0] % len(grid.places)


@compiled
def _measure(grid: TokenGrid, one: int, other: int) -> float:
    """Return the distance of two tokens in px."""
    pitch_y, pitch_x, places = grid.pitch_y_px, grid.pitch_x_px, grid.places
    dy, dx = (places[one, 0] - places[other, 0]) * pitch_y, (places[one, 1] - places[other, 1]) * pitch_x
    return math.sqrt(dy * dy + dx * dx)


@compiled
def _measure_team(grid: TokenGrid, team: np.ndarray, first: int, other: int, distances_px: np.ndarray) -> None:
    """Write what ``_measure`` returns for each token of a team."""
    pitch_y, pitch_x, places = grid.pitch_y_px, grid.pitch_x_px, grid.places
    y, x = places[other, 0], places[other, 1]
    for m in range(len(team)):
        dy, dx = (places[team[m] - first, 0] - y) * pitch_y, (places[team[m] - first, 1] - x) * pitch_x
        distances_px[m] = math.sqrt(dy * dy + dx * dx)


@compiled
def _find_danger(scene: Occluders, rays: Rays, grid: TokenGrid, picture: int, query: int, key: int) -> int:
    """Return the first point at which any ray of a pair could lie behind a surface; beyond the last if none does."""
    thresholds, around = scene.thresholds, scene.around
    oversampling = scene.surfaces.shape[2] // grid.width
    for segment in range(scene.idle[picture, key], thresholds.shape[2]):
        y, x = _point(scene, rays, grid.places, picture, query, key, segment, 0.0, 0.0)
        row, column = _cell(around, y * oversampling - 0.5, x * oversampling - 0.5)
        if around[picture, row, column] > thresholds[picture, key, segment]:
            return segment
    return thresholds.shape[2]


@compiled
def _is_blocked(
    scene: Occluders, rays: Rays, grid: TokenGrid, ray: int, picture: int, query: int, key: int, begin: int
) -> bool:
    """Whether any point of one ray from ``begin`` on lies behind a surface (Eq. 7-8)."""
    thresholds, surfaces, highest = scene.thresholds, scene.surfaces, scene.highest
    oversampling = surfaces.shape[2] // grid.width
    shift_y, shift_x = scene.shifts[picture, key, ray, 0], scene.shifts[picture, key, ray, 1]
    for segment in range(begin, thresholds.shape[2]):
        y, x = _point(scene, rays, grid.places, picture, query, key, segment, shift_y, shift_x)
        if rays.jitter_samples and ray > 0:
            h = _mix(_mix(_mix(_mix(rays.seed, picture), query), key), ray)
            y += _mix(h, 2 * segment) * 2.0**-32 - 0.5
            x += _mix(h, 2 * segment + 1) * 2.0**-32 - 0.5
        y, x, threshold = y * oversampling - 0.5, x * oversampling - 0.5, thresholds[picture, key, segment]
        row, column = _cell(highest, y, x)
        if highest[picture, row, column] > threshold and _surface_at(surfaces, picture, y, x) > threshold:
            return True
    return False


@compiled
def _point(
    scene: Occluders,
    rays: Rays,
    places: np.ndarray,
    picture: int,
    query: int,
    key: int,
    segment: int,
    shift_y: float,
    shift_x: float,
) -> tuple[float, float]:
    """Return where a point of a ray whose source is shifted is seen (Eq. 7), y and x in tokens from the corner."""
    share = scene.ratios[picture, query if rays.from_query else key, segment] * scene.odds[picture, key]
    query_y, query_x = places[query, 0] + 0.5, places[query, 1] + 0.5
    y = share * (places[key, 0] + 0.5 + shift_y - query_y) + query_y
    x = share * (places[key, 1] + 0.5 + shift_x - query_x) + query_x
    return y, x


@compiled
def _cell(highest: np.ndarray, y: float, x: float) -> tuple[int, int]:
    """Return the row and column of the cell between four samples that holds y, x in samples; outside the nearest."""
    row = min(max(math.floor(y) + 1, 0), highest.shape[1] - 1)
    column = min(max(math.floor(x) + 1, 0), highest.shape[2] - 1)
    return row, column


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
