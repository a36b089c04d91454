"""Spreading a tile of pixels over their discs at once: sixteen along x, eight rows.

A column of a disc is flat but for its soft rim, so only the *changes* of the weight down a column are written, into
rows of differences that are summed down the picture afterwards. Pixels of a tile have similar radii, so at a column dx
their rims cross the same few rows. The changes of all of them are computed together, added over the tile's rows in
registers, and written for sixteen columns and four mirror images at once.

The rim 1/2 + 1/2 tanh(4 (r - d)) is 1 / (1 + exp(-8 (r - l)) exp(8 (d - l))), for any l: the first factor belongs to a
pixel, the second to a place in the disc, so that a weight costs one multiplication and one division.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ....core.compiled import compiled
from .lanes import LANES, fill, load, select, smallest, store, truncate

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Sums = NDArray[np.integer]

TILE_ROWS = 8
TILE = TILE_ROWS * LANES

SOURCE_PLANES = 5
"""Of a row of tiles: radius, then red, green, blue and 1, each times the weight."""

CLASS_PX = np.float32(4.0)
"""Pixels of a tile whose radii differ by less are spread together; the rim to write is wider by what they differ."""

WHOLE_RIM_BELOW_PX = np.float32(3.0)
"""Discs smaller than this are written whole: their window, +-(floor(r) + 1), ends inside the rim."""

LONGEST_TAIL_PX = np.float32(3.9)
SHORTEST_TAIL_PX = np.float32(0.45)

SCRATCH = 6 * TILE
"""Of one class of a tile: exp(-8 (r - l)), the weights one row nearer, red, green, blue, weight."""
_NEARER, _COLOURS = TILE, 2 * TILE

_NONE = np.float32(np.inf)
_ONE = np.float32(1)


@compiled
def tail_px(r: np.float32, tolerance: float) -> np.float32:
    """Half the width T of the rim to write.

    The ring beyond r + T would hold exp(-8 T) / (4 r) of a continuous disc's light. The pixels of a small disc lie at
    few distances, so it needs more: with r^1.5 in place of r the measured errors are about even.
    """
    if r < WHOLE_RIM_BELOW_PX:
        return np.float32(2) * LONGEST_TAIL_PX
    tail = np.float32(-0.125 * math.log(tolerance * 0.5 * r * math.sqrt(r)))
    return min(max(tail, SHORTEST_TAIL_PX), LONGEST_TAIL_PX)


@compiled
def spread_tile(
    source: Floats,
    wide: int,
    x: int,
    distance: int,
    last_dx: int,
    tolerance: float,
    sums: Sums,
    pitch: int,
    row_start: Integers,
    centre: int,
    scratch: Floats,
    changes: Floats,
) -> None:
    """Add the changes of the discs of a tile to ``sums``, class by class of radii.

    ``source``: flat (SOURCE_PLANES, TILE_ROWS, wide), the tile at column ``x``, a radius of -1 where the picture ends;
    ``distance``: rows from the tile to the rows that are wanted; ``last_dx``: columns further away lie outside;
    ``sums``: flat, ``row_start[i]`` is where row i - len(row_start) // 2, counted from the tile's middle, starts in it,
    four channels of ``pitch`` numbers, ``x`` at ``centre``; ``scratch``: (SCRATCH,); ``changes``: (TILE rows of a rim,).
    """
    done = -_ONE
    while True:
        lowest = _least(source, wide, x, done, _NONE, _ONE)
        if lowest == _NONE:
            return
        tail = tail_px(np.floor(lowest), tolerance)
        # Rims of tails longer than a pixel are cut by the window, +-(floor(r) + 1): one window, one class.
        end = np.floor(lowest) + _ONE if tail > _ONE else lowest + CLASS_PX
        largest = -_least(source, wide, x, done, end, -_ONE)
        window = np.int64(largest) + 1
        if window >= distance:
            _load_class(source, wide, x, lowest, done, end, scratch)
            inner_squared = (lowest - tail) * (lowest - tail) if lowest > tail else -_ONE
            outer_squared = (largest + tail) * (largest + tail)
            for dx in range(min(window, last_dx) + 1):
                dx_squared = np.float32(dx * dx)
                if dx_squared >= outer_squared:
                    break
                last = min(window, np.int64(math.sqrt(outer_squared - dx_squared)))
                if last < distance:
                    break
                first = np.int64(1)
                if dx_squared <= inner_squared:
                    first += np.int64(math.sqrt(inner_squared - dx_squared))
                _measure_changes(dx, first, last, lowest, dx_squared <= inner_squared, scratch, changes)
                _add_column(sums, pitch, row_start, centre, dx, first, last + 2 - first, scratch, changes)
        done = largest


@compiled(forceinline=True)
def _least(source: Floats, wide: int, x: int, above: np.float32, below: np.float32, sign: np.float32) -> np.float32:
    """Return the smallest ``sign * radius`` of a tile's radii between ``above`` and ``below``; inf if there is none."""
    none, signs, lower, upper = fill(_NONE), fill(sign), fill(above), fill(below)
    least = none
    for k in range(TILE_ROWS):
        radius = load(source, k * wide + x)
        value = select((lower < radius) & (radius < upper), signs * radius, none)
        least = select(value < least, value, least)
    return smallest(least)


@compiled(forceinline=True)
def _load_class(
    source: Floats, wide: int, x: int, lowest: np.float32, above: np.float32, below: np.float32, scratch: Floats
) -> None:
    """Write the first factor of each pixel's rim, exp(-8 (r - lowest)), and its colours, 0 where of another class."""
    nothing, lower, upper = fill(np.float32(0)), fill(above), fill(below)
    for k in range(TILE_ROWS):
        radius = load(source, k * wide + x)
        inside = (lower < radius) & (radius < upper)
        eighths = select(inside, (fill(lowest) - radius) * fill(np.float32(0.125)), nothing)
        fade = _exp(eighths)
        for _ in range(6):  # to the power of 64
            fade = fade * fade
        store(scratch, k * LANES, fade)
        for channel in range(4):
            colour = load(source, ((channel + 1) * TILE_ROWS + k) * wide + x)
            store(scratch, _COLOURS + channel * TILE + k * LANES, select(inside, colour, nothing))


@compiled
def _exp(x):  # type: ignore[no-untyped-def]  # lanes
    """Return exp(x) for -1/2 <= x <= 0 to 2e-7."""
    total = fill(np.float32(1 / 720))
    for factor in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0):
        total = total * x + fill(np.float32(factor))
    return total


@compiled(forceinline=True)
def _measure_changes(
    dx: int, first: int, last: int, lowest: np.float32, flat: bool, scratch: Floats, changes: Floats
) -> None:
    """Write by how much the weights of a class fall from row dy - 1 to dy of column dx, dy = first to last + 1.

    ``changes``: flat (dy - first, TILE_ROWS, LANES); ``flat``: rows before ``first`` have the weight 1. The last falls
    to 0.
    """
    one, dx_squared = fill(_ONE), np.float32(dx * dx)
    start = fill(np.float32(0) if flat else np.float32(math.exp(np.float32(8) * (np.float32(dx) - lowest))))
    for k in range(0, TILE, LANES):
        store(scratch, _NEARER + k, one / (load(scratch, k) * start + one))
    place = np.int64(0)
    for dy in range(first, last + 1):
        distance = np.float32(math.sqrt(dx_squared + np.float32(dy * dy)))
        growth = fill(np.float32(math.exp(np.float32(8) * (distance - lowest))))
        for k in range(0, TILE, LANES):
            weight = one / (load(scratch, k) * growth + one)
            store(changes, place + k, load(scratch, _NEARER + k) - weight)
            store(scratch, _NEARER + k, weight)
        place += TILE
    for k in range(0, TILE, LANES):
        store(changes, place + k, load(scratch, _NEARER + k))


@compiled(forceinline=True)
def _add_column(
    sums: Sums,
    pitch: int,
    row_start: Integers,
    centre: int,
    dx: int,
    first: int,
    steps: int,
    scratch: Floats,
    changes: Floats,
) -> None:
    """Write ``steps`` changes of columns -dx and dx: added above the tile's rows, taken away below them.

    Sums of changes are rounded to whole units once per row of ``sums``. What is taken away in the last row is what is
    left of all that was added: a disc ends exactly, nothing of it is seen beyond.
    """
    reach = (row_start.shape[0] - TILE_ROWS) // 2
    red = green = blue = weight = truncate(sums, fill(np.float32(0)))
    for row in range(steps + TILE_ROWS - 1):
        some_red, some_green, some_blue, some_weight = _sum_changes(
            sums, (steps - 1 - row) * TILE_ROWS, TILE_ROWS + 1, max(0, row - steps + 1), min(row, TILE_ROWS - 1), scratch, changes
        )
        red, green, blue, weight = red + some_red, green + some_green, blue + some_blue, weight + some_weight
        start = row_start[reach + row - steps - first + 2] + centre
        _add(sums, start + dx, pitch, some_red, some_green, some_blue, some_weight)
        if dx > 0:
            _add(sums, start - dx, pitch, some_red, some_green, some_blue, some_weight)
    for row in range(steps + TILE_ROWS - 1):
        some_red, some_green, some_blue, some_weight = red, green, blue, weight
        if row < steps + TILE_ROWS - 2:
            some_red, some_green, some_blue, some_weight = _sum_changes(
                sums, row * TILE_ROWS, 1 - TILE_ROWS, max(0, row - steps + 1), min(row, TILE_ROWS - 1), scratch, changes
            )
        red, green, blue, weight = red - some_red, green - some_green, blue - some_blue, weight - some_weight
        start = row_start[reach + row + first] + centre
        _subtract(sums, start + dx, pitch, some_red, some_green, some_blue, some_weight)
        if dx > 0:
            _subtract(sums, start - dx, pitch, some_red, some_green, some_blue, some_weight)


@compiled
def _sum_changes(sums, place, stride, first, last, scratch, changes):  # type: ignore[no-untyped-def]  # lanes
    """Return whole lanes: changes times colours and weights of the tile's rows first to last, each rounded."""
    red = green = blue = weight = fill(np.float32(0.5))
    for k in range(first, last + 1):
        change = load(changes, (place + k * stride) * LANES)
        red = red + change * load(scratch, _COLOURS + k * LANES)
        green = green + change * load(scratch, _COLOURS + TILE + k * LANES)
        blue = blue + change * load(scratch, _COLOURS + 2 * TILE + k * LANES)
        weight = weight + change * load(scratch, _COLOURS + 3 * TILE + k * LANES)
    return truncate(sums, red), truncate(sums, green), truncate(sums, blue), truncate(sums, weight)


@compiled
def _add(sums, start, pitch, red, green, blue, weight):  # type: ignore[no-untyped-def]  # lanes
    """Add whole lanes to the four channels at ``start``.

    Four at one place, then four at the other: a processor waits where it loads across what it has just stored.
    """
    store(sums, start, load(sums, start) + red)
    store(sums, start + pitch, load(sums, start + pitch) + green)
    store(sums, start + 2 * pitch, load(sums, start + 2 * pitch) + blue)
    store(sums, start + 3 * pitch, load(sums, start + 3 * pitch) + weight)


@compiled
def _subtract(sums, start, pitch, red, green, blue, weight):  # type: ignore[no-untyped-def]  # lanes
    """Take whole lanes away from the four channels at ``start``."""
    store(sums, start, load(sums, start) - red)
    store(sums, start + pitch, load(sums, start + pitch) - green)
    store(sums, start + 2 * pitch, load(sums, start + 2 * pitch) - blue)
    store(sums, start + 3 * pitch, load(sums, start + 3 * pitch) - weight)
