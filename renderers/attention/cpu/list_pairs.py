"""Compiled pair lists for the CPU: which pairs are in reach, and their ln C (Eq. 6).

The truth is ``reference.log_circle_dense``; everything here is float64 inside and takes the same steps.
"""

import math

import numba
import numpy as np

from ....core.compiled import compiled
from .exponentials import exponential, log_one_plus
from .records import Lens, Lists, TokenGrid

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
    team_y, team_x = _place_team(grid, team, first)
    spares_px, reaches_px, count = np.empty(len(team)), reach_px[team], 0
    for row in range(max(top - halo_y, 0), min(bottom + halo_y + 1, height)):
        for column in range(max(left - halo_x, 0), min(right + halo_x + 1, width)):
            other = first + row * width + column
            if not by_keys:
                reaches_px[:] = reach_px[other]
            _measure_team(grid, team_y, team_x, other - first, spares_px)
            for m in range(len(team)):
                spares_px[m] = reaches_px[m] - spares_px[m]
            spare = _find_highest(spares_px)
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
    for g in numba.prange(len(lists.teams)):
        near[g] = _weigh_team(lists, grid, lens, g, log_circle, log_rest)


@compiled
def _weigh_team(lists: Lists, grid: TokenGrid, lens: Lens, g: int, log_circle: np.ndarray, log_rest: np.ndarray) -> int:
    """Do what ``weigh_pairs`` does for one team; return its ``near``."""
    team, begin, end = lists.teams[g], lists.starts[g], lists.starts[g + 1]
    first, slope_per_px, number = _first_row(grid, team), lens.slope_per_px, log_circle.dtype.type
    team_y, team_x = _place_team(grid, team, first)
    distances_px, radii_px = np.empty(len(team)), lens.radius_px[team]
    rest, near = 0.0, 0
    for pair in range(end - 1, begin - 1, -1):
        other, row = lists.partners[pair], log_circle[pair]
        _measure_team(grid, team_y, team_x, other - first, distances_px)
        if not lists.by_keys:
            radii_px[:] = lens.radius_px[other]
        for m in range(len(team)):
            x = number(slope_per_px * (radii_px[m] - distances_px[m]))
            row[m] = np.minimum(x, number(0.0)) - log_one_plus(exponential(-np.abs(x)))
        brightest = _find_highest(row)
        rest += math.exp(brightest)
        log_rest[pair] = math.log(rest)
        if brightest >= -LOG_TRACED_FROM and near == 0:
            near = pair + 1 - begin
    return near


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
def _first_row(grid: TokenGrid, team: np.ndarray) -> int:
    """Return the first row of a team's picture."""
    return team[0] - team[0] % len(grid.places)


@compiled
def _place_team(grid: TokenGrid, team: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column of each token of a team, (n,) each."""
    y, x = np.empty(len(team)), np.empty(len(team))
    for m in range(len(team)):
        y[m], x[m] = grid.places[team[m] - first, 0], grid.places[team[m] - first, 1]
    return y, x


@compiled
def _measure_team(
    grid: TokenGrid, team_y: np.ndarray, team_x: np.ndarray, other: int, distances_px: np.ndarray
) -> None:
    """Write the distance in px of a token from each of a team."""
    pitch_y, pitch_x, y, x = grid.pitch_y_px, grid.pitch_x_px, grid.places[other, 0], grid.places[other, 1]
    for m in range(len(team_y)):
        dy, dx = (team_y[m] - y) * pitch_y, (team_x[m] - x) * pitch_x
        distances_px[m] = math.sqrt(dy * dy + dx * dx)


@compiled
def _find_highest(values: np.ndarray) -> float:
    """Return the largest of sixteen values: four chains of comparisons, of which a processor does several at a time."""
    a, b, c, d = values[0], values[1], values[2], values[3]
    for i in range(4, len(values), 4):
        a, b = max(a, values[i]), max(b, values[i + 1])
        c, d = max(c, values[i + 2]), max(d, values[i + 3])
    return max(max(a, b), max(c, d))
