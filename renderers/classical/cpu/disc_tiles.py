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
from ....core.lanes import LANES, fill, load, select, smallest, store, truncate

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Sums = NDArray[np.integer]

TILE_ROWS = 8
TILE = TILE_ROWS * LANES

SOURCE_PLANES = 5
"""Of a row of tiles: radius, then red, green, blue and 1, each times the weight."""

CLASS_PX = np.float32(8)
"""Pixels of a tile whose radii differ by less are spread together; the rim to write is wider by what they differ.

Writing a rim of n rows for eight rows of pixels costs n + 7 rows, so two classes of thin rims are no cheaper.
"""

WHOLE_RIM_BELOW_PX = np.float32(3)
"""Discs smaller than this are written whole: their window, +-(floor(r) + 1), ends inside the rim."""

LONGEST_TAIL_PX = np.float32(3.9)
SHORTEST_TAIL_PX = np.float32(0.45)

SCRATCH = 6 * TILE
"""Of a class of a tile: exp(-8 (r - l)), the weights one row nearer, red, green, blue, weight; 0 for other pixels."""
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
    tolerance: float,
    sums: Sums,
    pitch: int,
    row_start: Integers,
    centre: int,
    scratch: Floats,
    changes: Floats,
) -> None:
    """Add the changes of the discs of a tile to ``sums``, class by class of radii.

    - ``source``: flat (SOURCE_PLANES, TILE_ROWS, wide), the tile at column ``x``; radius -1 where the picture ends.
    - ``distance``: from the tile to the rows that are wanted: smaller discs are left out.
    - ``sums``: flat; the row dy from the tile's first starts at ``row_start[reach + dy]``, reach half of what
      ``row_start`` has more than TILE_ROWS; four channels of ``pitch`` numbers, the tile's first column at ``centre``,
      the picture's at ``centre - x``.
    - ``scratch``: (SCRATCH,), ``changes``: (rows of the largest rim * TILE,); anything.
    """
    lowest = _least(source, wide, x, np.float32(0), _NONE, _ONE)
    while lowest < _NONE:
        whole = np.floor(lowest)
        tail = tail_px(whole, tolerance)
        if tail > _ONE:
            # The window, +-(floor(r) + 1), cuts such rims: one window, one class, cut alike in every tile.
            start, largest = whole, whole + _ONE
            end, window = largest, int(whole) + 1
        else:
            start, end = lowest, lowest + CLASS_PX
            largest = -_least(source, wide, x, start, end, -_ONE)
            window = int(largest) + 1
        if window >= distance:
            _load_class(source, wide, x, start, end, scratch)
            _spread_class(
                start, largest, tail, window, distance, sums, pitch, row_start, centre, centre - x, scratch, changes
            )
        lowest = _least(source, wide, x, end, _NONE, _ONE)


@compiled
def _least(source: Floats, wide: int, x: int, start: np.float32, end: np.float32, sign: np.float32) -> np.float32:
    """Return the smallest ``sign * radius`` of a tile's radii in [start, end); inf if there is none."""
    none, signs, lower, upper = fill(_NONE), fill(sign), fill(start), fill(end)
    least = none
    for k in range(TILE_ROWS):
        radius = load(source, k * wide + x)
        value = select((lower <= radius) & (radius < upper), signs * radius, none)
        least = select(value < least, value, least)
    return smallest(least)


@compiled
def _load_class(source: Floats, wide: int, x: int, start: np.float32, end: np.float32, scratch: Floats) -> None:
    """Write the first factor of each rim, exp(-8 (r - start)), and the colours, 0 where r is not in [start, end)."""
    nothing, lower, upper = fill(np.float32(0)), fill(start), fill(end)
    for k in range(TILE_ROWS):
        radius = load(source, k * wide + x)
        inside = (lower <= radius) & (radius < upper)
        fade = _exp(select(inside, (lower - radius) * fill(np.float32(1 / 16)), nothing))
        for _ in range(7):  # to the power of 128
            fade = fade * fade
        store(scratch, k * LANES, fade)
        for channel in range(4):
            colour = load(source, ((channel + 1) * TILE_ROWS + k) * wide + x)
            store(scratch, _COLOURS + channel * TILE + k * LANES, select(inside, colour, nothing))


@compiled
def _exp(x):  # type: ignore[no-untyped-def]  # lanes
    """Return exp(x) for -1/2 <= x <= 0, relative error 2e-6."""
    total = fill(np.float32(1 / 720))
    for factor in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0):
        total = total * x + fill(np.float32(factor))
    return total


@compiled
def _spread_class(
    start: np.float32,
    largest: np.float32,
    tail: np.float32,
    window: int,
    distance: int,
    sums: Sums,
    pitch: int,
    row_start: Integers,
    centre: int,
    last_dx: int,
    scratch: Floats,
    changes: Floats,
) -> None:
    """Add the changes of the discs of a class, radii from ``start`` to ``largest``, column by column."""
    inner_squared = (start - tail) * (start - tail) if start > tail else -_ONE
    outer_squared = (largest + tail) * (largest + tail)
    for dx in range(min(window, last_dx) + 1):
        dx_squared = np.float32(dx * dx)
        if dx_squared >= outer_squared:
            break
        last = min(window, int(math.sqrt(outer_squared - dx_squared)))
        if last < distance:
            break
        flat = dx_squared <= inner_squared
        first = int(math.sqrt(inner_squared - dx_squared)) + 1 if flat else 1
        _measure_changes(dx, first, last, start, flat, scratch, changes)
        _add_column(sums, pitch, row_start, centre, dx, first, last + 2 - first, scratch, changes)


@compiled
def _measure_changes(
    dx: int, first: int, last: int, start: np.float32, flat: bool, scratch: Floats, changes: Floats
) -> None:
    """Write by how much the weights of a class fall from row dy - 1 to dy of column dx, dy = first to last + 1.

    ``changes``: flat (dy - first, TILE_ROWS, LANES); the last are falls to 0. ``flat``: the weight before is 1.
    """
    one, dx_squared = fill(_ONE), np.float32(dx * dx)
    growth = fill(np.float32(0) if flat else np.float32(math.exp(np.float32(8) * (np.float32(dx) - start))))
    for k in range(0, TILE, LANES):
        store(scratch, _NEARER + k, one / (load(scratch, k) * growth + one))
    place = np.int64(0)
    for dy in range(first, last + 1):
        distance_px = np.float32(math.sqrt(dx_squared + np.float32(dy * dy)))
        growth = fill(np.float32(math.exp(np.float32(8) * (distance_px - start))))
        for k in range(0, TILE, LANES):
            weight = one / (load(scratch, k) * growth + one)
            store(changes, place + k, load(scratch, _NEARER + k) - weight)
            store(scratch, _NEARER + k, weight)
        place += TILE
    for k in range(0, TILE, LANES):
        store(changes, place + k, load(scratch, _NEARER + k))


@compiled
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
    """Write ``steps`` changes at columns -dx and dx: added above the tile's rows, taken away below them.

    They are rounded to whole units once a row. What is taken away in the last row is what is left of all that was
    added: a disc ends exactly, nothing of it shows in rows beyond.
    """
    upper = (row_start.shape[0] - TILE_ROWS) // 2 + 2 - steps - first
    lower = (row_start.shape[0] - TILE_ROWS) // 2 + first
    rows = steps + TILE_ROWS - 1
    left_red = left_green = left_blue = left_weight = truncate(sums, fill(np.float32(0)))
    for row in range(rows):  # change i of the tile's row k goes to row k - i + steps - 1
        oldest, newest = max(0, row - steps + 1), min(row, TILE_ROWS - 1)
        place = row_start[upper + row] + centre
        red, green, blue, weight = _sum_changes(
            sums, (steps - 1 - row) * TILE_ROWS, TILE_ROWS + 1, oldest, newest, scratch, changes
        )
        left_red, left_green = left_red + red, left_green + green
        left_blue, left_weight = left_blue + blue, left_weight + weight
        _add(sums, place + dx, pitch, red, green, blue, weight)
        if dx > 0:
            _add(sums, place - dx, pitch, red, green, blue, weight)
    for row in range(rows):  # change i of the tile's row k goes to row k + i
        oldest, newest = max(0, row - steps + 1), min(row, TILE_ROWS - 1)
        place = row_start[lower + row] + centre
        red, green, blue, weight = left_red, left_green, left_blue, left_weight
        if row < rows - 1:
            red, green, blue, weight = _sum_changes(
                sums, row * TILE_ROWS, 1 - TILE_ROWS, oldest, newest, scratch, changes
            )
        left_red, left_green = left_red - red, left_green - green
        left_blue, left_weight = left_blue - blue, left_weight - weight
        _subtract(sums, place + dx, pitch, red, green, blue, weight)
        if dx > 0:
            _subtract(sums, place - dx, pitch, red, green, blue, weight)


@compiled
def _sum_changes(sums, place, stride, oldest, newest, scratch, changes):  # type: ignore[no-untyped-def]  # lanes
    """Return changes times colours and weights, summed over the tile's rows oldest to newest, rounded to whole units.

    The changes of row k are the ``place + k * stride``-th lanes.
    """
    red = green = blue = weight = fill(np.float32(0.5))
    for k in range(oldest, newest + 1):
        change = load(changes, (place + k * stride) * LANES)
        red = red + change * load(scratch, _COLOURS + k * LANES)
        green = green + change * load(scratch, _COLOURS + TILE + k * LANES)
        blue = blue + change * load(scratch, _COLOURS + 2 * TILE + k * LANES)
        weight = weight + change * load(scratch, _COLOURS + 3 * TILE + k * LANES)
    return truncate(sums, red), truncate(sums, green), truncate(sums, blue), truncate(sums, weight)


@compiled
def _add(sums, place, pitch, red, green, blue, weight):  # type: ignore[no-untyped-def]  # lanes
    """Add whole lanes to the four channels at ``place``.

    Four there before the next four elsewhere: a processor waits when it loads across what it has just stored, which
    columns -dx and dx do where dx < LANES.
    """
    store(sums, place, load(sums, place) + red)
    store(sums, place + pitch, load(sums, place + pitch) + green)
    store(sums, place + 2 * pitch, load(sums, place + 2 * pitch) + blue)
    store(sums, place + 3 * pitch, load(sums, place + 3 * pitch) + weight)


@compiled
def _subtract(sums, place, pitch, red, green, blue, weight):  # type: ignore[no-untyped-def]  # lanes
    """Take whole lanes away from the four channels at ``place``, in the order of ``_add``."""
    store(sums, place, load(sums, place) - red)
    store(sums, place + pitch, load(sums, place + pitch) - green)
    store(sums, place + 2 * pitch, load(sums, place + 2 * pitch) - blue)
    store(sums, place + 3 * pitch, load(sums, place + 3 * pitch) - weight)
