"""Lens rays march from near to far until the surfaces they meet have used up their light, a row of a tile at a time.

A ray through pixel q and lens position u (unit disc) is at q + u s where the signed defocus is s px. Rays that cross
the lens at one point are shifted alike within a bin of defocus: sixteen neighbours take one step together, with loads
that lie side by side, and every decision is a mask. ``../march_reference.py`` says the same pixel by pixel.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....core.compiled import compiled
from ....core.lanes import LANES, any_of, fill, load, select, store
from ..surfaces import FloatArray
from .planes import (
    BACK_BLUE,
    BACK_GREEN,
    BACK_PX,
    BACK_RED,
    BACK_SEEN,
    COVERAGE,
    FRONT_BLUE,
    FRONT_GREEN,
    FRONT_PX,
    FRONT_RED,
    FRONT_SEEN,
    PLANES,
)
from .reach import BIN_PX, LENS_SAMPLES, LOOK_PX, TILE_PX, RayPlan

GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
LITTLE_LIGHT = np.float32(0.004)
"""A ray with less light left sees nothing more."""

INTERPOLATED_WITHIN_PX = 1.3
ROUNDED_WITHIN_PX, STEPS_PER_PX = 8.5, 256
"""Beyond this radius rounding adds its mean, 1/12, to the second moment, to a thousandth."""

HALF, ZERO, ONE = np.float32(0.5), np.float32(0), np.float32(1)


class Shifts(NamedTuple):
    """Signed radii, px, of the discs that rays pass through at the centre of each bin of defocus, (bins,) float32.

    Taking the nearest pixel blurs by itself, and so does interpolating. So either disc is smaller than the lens's: such
    that both together have its second moment, r^2 / 4 per axis for a radius r. (Below 0.6 px the nearest pixel would
    need a larger disc; it gets the lens's own, lest a lamp nearly in focus shine on its neighbours.)

    ``nearest_px``: where the nearest pixel says what is met; ``colour_px``: where its colour is interpolated.
    """

    nearest_px: FloatArray
    colour_px: FloatArray


def bin_shifts(lowest: float, bins: int) -> Shifts:
    """Return the radii of a plan's bins and of one nearer than all."""
    centres = lowest + BIN_PX * (np.arange(bins + 1) + 0.5)
    radius = np.abs(centres)
    nearest, colour = np.minimum(nearest_radius(radius), radius), interpolation_scale(radius) * radius
    return Shifts((np.sign(centres) * nearest).astype(np.float32), (np.sign(centres) * colour).astype(np.float32))


def nearest_radius(radius_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the radius of the disc whose points, rounded to whole pixels, have the moment of a disc of ``radius_px``.

    At least half a pixel, since smaller discs round to nothing.
    """
    discs = np.arange(0.5, ROUNDED_WITHIN_PX, 1.0 / STEPS_PER_PX)
    small = np.interp(np.square(radius_px) / 4.0, _rounded_moment(discs), discs)
    return np.where(small < discs[-1], small, np.sqrt(np.maximum(np.square(radius_px) - 1.0 / 3.0, 0.0)))


def _rounded_moment(radius_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean square of the rounded x of the points of a disc: the sum over m >= 1 of (2 m - 1) P(|x| > m - 1/2)."""
    m = np.arange(1, int(ROUNDED_WITHIN_PX) + 2)
    t = np.minimum((m - 0.5) / radius_px[:, None], 1.0)
    return ((2 * m - 1) * (1.0 - 2.0 / math.pi * (t * np.sqrt(1.0 - t * t) + np.arcsin(t)))).sum(axis=1)


def interpolation_scale(defocus_px: NDArray[np.floating]) -> NDArray[np.floating]:
    """By how much smaller a disc to interpolate in, signed radius in px, so that both blur as much as the disc alone.

    Second moments per axis: r^2 / 4 for a disc of radius r; interpolating at fractions f of a pixel adds the mean of
    f (1 - f). Together that is 4 r / (3 pi) within one pixel, beyond about r^2 / 4 + 1 / 6.
    """
    radius = np.abs(defocus_px)
    beyond = np.sqrt(1.0 - 2.0 / 3.0 / np.square(np.maximum(radius, INTERPOLATED_WITHIN_PX)))
    return np.where(radius < INTERPOLATED_WITHIN_PX, 3.0 * math.pi / 16.0 * radius, beyond)


def vogel_disc(samples: int) -> FloatArray:
    """Return (samples, 2) float32 points of equal area on the unit disc, on Vogel's spiral."""
    index = np.arange(samples, dtype=np.float64)
    radius, angle = np.sqrt((index + 0.5) / samples), index * GOLDEN_ANGLE
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


@functools.cache
def lens_patterns() -> tuple[FloatArray, NDArray[np.int64]]:
    """Return all patterns in a row, (samples,2) float32, and where each starts; one entry more marks the end."""
    return np.concatenate([vogel_disc(n) for n in LENS_SAMPLES]), np.cumsum([0, *LENS_SAMPLES])


@compiled
def march_tiles(
    top: int,
    bottom: int,
    planes: FloatArray,
    plan: RayPlan,
    shifts: Shifts,
    same_px: np.float32,
    lens: FloatArray,
    lens_start: NDArray[np.integer],
    front: FloatArray,
    output: FloatArray,
) -> None:
    """Render tile rows [top, bottom) into ``output`` (H,W,3); tiles whose ``lens_of_tile`` is < 0 are left alone.

    ``planes``: see ``planes.py``; ``same_px``: defocus closer than this is one surface; ``lens``: (samples,2) float32,
    all patterns in a row, pattern i from ``lens_start[i]`` to ``lens_start[i + 1]``; ``front``: (H,W,4), its colour is
    shown where rays see nothing.
    """
    sums = np.empty((TILE_PX, 4, LANES), np.float32)
    most = plan.looks.shape[2]
    steps, shares = np.empty((most, 7), np.int64), np.empty((most, 3), np.float32)
    frame = planes.shape[0] - 2, planes.shape[2] - 2 * TILE_PX
    rows = planes.ravel()  # no copy: planes are contiguous
    for ty in range(top, bottom):
        for tx in range(plan.lens_of_tile.shape[1]):
            pattern = plan.lens_of_tile[ty, tx]
            if pattern >= 0:
                sums[:] = 0
                for n in range(lens_start[pattern], lens_start[pattern + 1]):
                    count = _list_steps(ty, tx, lens[n, 0], lens[n, 1], plan, shifts, frame, steps, shares)
                    for j in range(TILE_PX):
                        _march_row(ty * TILE_PX + j, j, rows, frame, steps, shares, count, same_px, sums.ravel())
                _show(ty * TILE_PX, tx * TILE_PX, sums, front, output)


@compiled
def _list_steps(
    ty: int,
    tx: int,
    u: np.float32,
    v: np.float32,
    plan: RayPlan,
    shifts: Shifts,
    frame: tuple[int, int],
    steps: NDArray[np.integer],
    shares: FloatArray,
) -> int:
    """List the looks at which rays of tile (ty, tx) through (u, v) can meet something; return how many they are.

    ``steps``: (n,7), receives the shift down and the first column of the nearest pixels; for the colours the shift of
    the upper neighbours, the first columns of left and right ones; shift and column at the bin before.
    ``shares``: (n,3), receives the look's lower end, and how much right and lower neighbours count.
    """
    x, count = tx * TILE_PX, 0
    for k in range(plan.counts[ty, tx]):
        low = plan.looks[ty, tx, k]
        b = np.int64((low - plan.lowest) / BIN_PX + 0.5)
        dy, dx = nearest_shift(v, shifts.nearest_px[b]), nearest_shift(u, shifts.nearest_px[b])
        first = _clamp(x + dx, frame[1])
        block_y = min(max((ty * TILE_PX + dy) // TILE_PX + 1, 0), plan.blocks.shape[0] - 1)
        if plan.blocks[block_y, first // TILE_PX + 1, b]:
            right, down = u * shifts.colour_px[b], v * shifts.colour_px[b]
            left, upper = np.int64(math.floor(right)), np.int64(math.floor(down))
            steps[count, 0], steps[count, 1], steps[count, 2] = dy, first + TILE_PX, upper
            steps[count, 3] = _clamp(x + left, frame[1]) + TILE_PX
            steps[count, 4] = _clamp(x + left + 1, frame[1]) + TILE_PX
            steps[count, 5] = nearest_shift(v, shifts.nearest_px[b + 1])
            steps[count, 6] = _clamp(x + nearest_shift(u, shifts.nearest_px[b + 1]), frame[1]) + TILE_PX
            shares[count, 0] = low
            shares[count, 1], shares[count, 2] = right - np.float32(left), down - np.float32(upper)
            count += 1
    return count


@compiled
def nearest_shift(u: np.float32, radius_px: np.float32) -> int:
    """Return by how many whole pixels a ray through lens coordinate u is off where its bundle has a signed radius."""
    return math.floor(u * radius_px + HALF)


@compiled
def _clamp(x: Any, width: int) -> Any:
    """Farther outside the frame a row of lanes holds the same."""
    return min(max(x, -TILE_PX), width)


@compiled(forceinline=True)
def _march_row(
    y: int,
    j: int,
    rows: FloatArray,
    frame: tuple[int, int],
    steps: NDArray[np.integer],
    shares: FloatArray,
    count: int,
    same_px: np.float32,
    sums: FloatArray,
) -> None:
    """Let the rays of row ``y``, the tile's ``j``-th, take the listed steps; add what they see to ``sums``, flat."""
    length = frame[1] + 2 * TILE_PX
    zero, little, look, same = fill(ZERO), fill(LITTLE_LIGHT), fill(LOOK_PX), fill(same_px)
    light, ceiling = fill(ONE), fill(np.float32(np.inf))
    own = j * 4 * LANES
    red, green, blue = load(sums, own), load(sums, own + LANES), load(sums, own + 2 * LANES)
    seen = load(sums, own + 3 * LANES)
    for i in range(count):
        low, high, end = fill(shares[i, 0]), fill(shares[i, 0] + np.float32(BIN_PX)), fill(shares[i, 0] + LOOK_PX)
        at = _row_start(y + steps[i, 0], frame[0], length) + steps[i, 1]
        d = load(rows, at + FRONT_PX * length)
        hit = ((low <= d) & (d < end)) & ((d < ceiling) & (zero < light))
        if any_of(hit & (high <= d)):
            before = load(rows, _row_start(y + steps[i, 5], frame[0], length) + steps[i, 6] + FRONT_PX * length)
            farthest = select(before < high, before + same, fill(np.float32(-np.inf)))
            hit = hit & (d < select(d < high, fill(np.float32(np.inf)), farthest))
        if any_of(hit):
            weight = select(hit, light, zero)
            r, g, b = _interpolate(y, rows, frame[0], length, at, d, steps[i], shares[i], same_px)
            visible = weight * load(rows, at + FRONT_SEEN * length)
            red, green, blue, seen = red + visible * r, green + visible * g, blue + visible * b, seen + visible
            light = light - weight * load(rows, at + COVERAGE * length)
            light = select(light < little, zero, light)
            ceiling = select(hit, d - look, ceiling)
        e = load(rows, at + BACK_PX * length)
        hit = ((low <= e) & (e < end)) & (zero < light)
        if any_of(hit):
            weight = select(hit, light, zero)
            red = red + weight * load(rows, at + BACK_RED * length)
            green = green + weight * load(rows, at + BACK_GREEN * length)
            blue = blue + weight * load(rows, at + BACK_BLUE * length)
            seen = seen + weight * load(rows, at + BACK_SEEN * length)
            light = select(hit, zero, light)
        if not any_of(zero < light):
            break
    store(sums, own, red)
    store(sums, own + LANES, green)
    store(sums, own + 2 * LANES, blue)
    store(sums, own + 3 * LANES, seen)


@compiled(forceinline=True)
def _row_start(y: int, height: int, length: int) -> int:
    return (min(max(y, -1), height) + 1) * PLANES * length


@compiled(forceinline=True)
def _interpolate(y, rows, height, length, at, d, step, share, same_px):  # type: ignore[no-untyped-def]  # lanes
    """Return red, green and blue of the front surface: bilinear among neighbours of the surface at defocus ``d``.

    ``at``: where the nearest pixel is, whose colour it is when no neighbour is of that surface.
    """
    zero, one, same, little = fill(ZERO), fill(ONE), fill(same_px), fill(LITTLE_LIGHT)
    red, green, blue, total = zero, zero, zero, zero
    for below in range(2):
        row = _row_start(y + step[2] + below, height, length)
        down = share[2] if below else ONE - share[2]
        for right in range(2):
            neighbour = row + step[3 + right]
            e = load(rows, neighbour + FRONT_PX * length)
            across = share[1] if right else ONE - share[1]
            weight = select((d - same < e) & (e < d + same), fill(down * across), zero)
            red = red + weight * load(rows, neighbour + FRONT_RED * length)
            green = green + weight * load(rows, neighbour + FRONT_GREEN * length)
            blue = blue + weight * load(rows, neighbour + FRONT_BLUE * length)
            total = total + weight * load(rows, neighbour + FRONT_SEEN * length)
    known = little < total
    itself = load(rows, at + FRONT_SEEN * length)
    scale = one / select(known, total, select(zero < itself, itself, one))
    return (
        scale * select(known, red, load(rows, at + FRONT_RED * length)),
        scale * select(known, green, load(rows, at + FRONT_GREEN * length)),
        scale * select(known, blue, load(rows, at + FRONT_BLUE * length)),
    )


@compiled
def _show(y: int, x: int, sums: FloatArray, front: FloatArray, output: FloatArray) -> None:
    """Write the mean of what the rays of the tile at (y, x) see; the pixel itself where they see nothing."""
    for j in range(min(TILE_PX, output.shape[0] - y)):
        for i in range(min(TILE_PX, output.shape[1] - x)):
            total = sums[j, 3, i]
            for c in range(3):
                output[y + j, x + i, c] = sums[j, c, i] / total if total > 0 else front[y + j, x + i, c]
