"""The ray tracer's inner loop: sixteen neighbouring pixels send a ray through one point of the lens together.

Their rays meet a plane side by side, so that the texels lie side by side as well; where the blur radius's change along
the row leaves a gap between two of them, the lanes before and behind it are looked up one after the other. Lanes that
see nothing more carry no light. Each pixel gets the bits of a loop over its own rays: products and sums are rounded
one by one, and added up in float64.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.compiled import compiled
from ...core.lanes import LANES, add_doubles, any_of, exact, fill, first_of, floor, load, select

TILE_ROWS = 8
"""Rows of a tile, which share what depends on the lens point alone, and the textures in the processor's cache."""

MIN_TRANSMITTANCE = np.float32(1e-3)
ZERO, ONE = np.float32(0), np.float32(1)
CHANNELS = 4

RAMP = np.arange(LANES, dtype=np.float32)


class View(NamedTuple):
    """What a lens looks at, and through which points.

    - ``planes``: the textures as ``lay_out`` returns them; ``any_alpha``, ``any_gap``: summed-area tables
      (L,h+1,w+1) of where they have some alpha, and where not all of it; ``margin``: how far they exceed the frame, px.
    - ``defocus``: (L,3), slopes and offset of each layer's signed blur radius, px.
    - ``shifts``: see ``ray_shifts``. Pixels whose rays reach up to ``limits[i]`` px take those from ``ends[i - 1]`` to
      ``ends[i]``.
    """

    planes: NDArray[np.float32]
    any_alpha: NDArray[np.int32]
    any_gap: NDArray[np.int32]
    margin: int
    defocus: NDArray[np.float64]
    shifts: NDArray[np.float32]
    limits: NDArray[np.float64]
    ends: NDArray[np.int64]


class Tile(NamedTuple):
    """What is known of TILE_ROWS x LANES pixels, all but ``meets`` flat, row by row.

    ``levels``: which of the view's shifts each takes, -1 beyond the frame; ``meets``: (TILE_ROWS,L), whether a row's
    rays can meet a layer; ``radii``: signed blur radius on each layer, px; ``sums``: red, green, blue of each row.
    """

    levels: NDArray[np.float32]
    meets: NDArray[np.bool_]
    radii: NDArray[np.float32]
    sums: NDArray[np.float64]


def lay_out(textures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn textures (L,h,w,4) into planes (L,h,4,w + LANES + 1): a channel of a row side by side, zeros behind it."""
    layers, rows, columns, _ = textures.shape
    planes = np.zeros((layers, rows, CHANNELS, columns + LANES + 1), np.float32)
    planes[..., :columns] = textures.transpose(0, 1, 3, 2)
    return planes


@compiled
def _box_sum(table, top, bottom, left, right):  # type: ignore[no-untyped-def]
    return table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]


@compiled
def _mark_layers(view: View, x: int, y: int, meets: NDArray[np.bool_]) -> float:
    """Mark in ``meets`` (L,) the layers that a ray of the pixel can meet, up to the first without gaps there.

    Returns the farthest that a ray gets from the pixel on them, px.
    """
    rows, columns = view.any_alpha.shape[1] - 1, view.any_alpha.shape[2] - 1
    row, column, farthest = y + view.margin, x + view.margin, 0.0
    for layer in range(view.any_alpha.shape[0]):
        slope_x, slope_y, offset = view.defocus[layer]
        radius = slope_x * x + slope_y * y + offset
        distance = abs(radius) / (1.0 - math.hypot(slope_x, slope_y))
        reach = math.ceil(distance) + 1
        top, bottom = max(row - reach, 0), min(row + reach + 1, rows)
        left, right = max(column - reach, 0), min(column + reach + 1, columns)
        if _box_sum(view.any_alpha[layer], top, bottom, left, right) == 0:
            continue
        meets[layer] = True
        farthest = max(farthest, distance)
        if _box_sum(view.any_gap[layer], top, bottom, left, right) == 0:
            break
    return farthest


@compiled
def ray_shifts(defocus_planes, lens):  # type: ignore[no-untyped-def]
    """Return (L,N,2) float32: where a ray of lens sample s meets layer l, per px of blur radius at the pixel."""
    shifts = np.empty((defocus_planes.shape[0], lens.shape[0], 2), np.float32)
    for layer in range(shifts.shape[0]):
        for s in range(shifts.shape[1]):
            tilt = 1.0 - defocus_planes[layer, 0] * lens[s, 0] - defocus_planes[layer, 1] * lens[s, 1]
            shifts[layer, s, 0] = lens[s, 0] / tilt
            shifts[layer, s, 1] = lens[s, 1] / tilt
    return shifts


@compiled
def trace_rows(top: int, view: View, output: NDArray[np.float32]) -> None:
    """Render rows [top, top + TILE_ROWS) of ``output`` (H,W,3), linear."""
    layers, texels = view.planes.shape[0], view.planes.reshape(-1)
    tile = Tile(
        np.empty(TILE_ROWS * LANES, np.float32),
        np.empty((TILE_ROWS, layers), np.bool_),
        np.empty(layers * TILE_ROWS * LANES, np.float32),
        np.empty(TILE_ROWS * 3 * LANES, np.float64),
    )
    for left in range(0, output.shape[1], LANES):
        _survey(top, left, view, output.shape, tile)
        for level in range(len(view.ends)):
            if np.any(tile.levels == level):
                for s in range(view.ends[level - 1] if level > 0 else 0, view.ends[level]):
                    for j in range(min(TILE_ROWS, output.shape[0] - top)):
                        _trace_lanes(left, top, j, s, level, view, texels, tile)
        _show(top, left, view.ends, tile, output)


@compiled
def _survey(top: int, left: int, view: View, shape: tuple[int, int, int], tile: Tile) -> None:
    """Fill in the tile at (top, left) of a frame (H,W,3)."""
    tile.levels[:], tile.meets[:], tile.sums[:] = -1.0, False, 0.0
    for j in range(TILE_ROWS):
        for i in range(LANES):
            x, y = left + i, top + j
            for layer in range(view.planes.shape[0]):
                slope_x, slope_y, offset = view.defocus[layer]
                tile.radii[(layer * TILE_ROWS + j) * LANES + i] = slope_x * x + slope_y * y + offset
            if y < shape[0] and x < shape[1]:
                reach = _mark_layers(view, x, y, tile.meets[j])
                tile.levels[j * LANES + i] = np.searchsorted(view.limits, reach)


@compiled
def _show(top: int, left: int, ends: NDArray[np.int64], tile: Tile, output: NDArray[np.float32]) -> None:
    """Write the mean of what each pixel's rays have seen."""
    for j in range(min(TILE_ROWS, output.shape[0] - top)):
        for i in range(min(LANES, output.shape[1] - left)):
            level = np.int64(tile.levels[j * LANES + i])
            samples = ends[level] - (ends[level - 1] if level > 0 else 0)
            for c in range(3):
                output[top + j, left + i, c] = tile.sums[(j * 3 + c) * LANES + i] / samples


@compiled(forceinline=True)
def _trace_lanes(
    left: int, top: int, j: int, s: int, level: int, view: View, texels: NDArray[np.float32], tile: Tile
) -> None:
    """Let the pixels of a tile's row ``j`` that take this level's shifts send ray ``s``; add what they see.

    ``texels``: the planes, flat.
    """
    layers, rows, _, pitch = view.planes.shape
    ramp, zero, one = exact(load(RAMP, 0)), exact(fill(ZERO)), exact(fill(ONE))
    here = exact(load(tile.levels, j * LANES)) == exact(fill(np.float32(level)))
    if not any_of(here):
        return
    light = select(here, one, zero)
    x = ramp + exact(fill(np.float32(left + view.margin)))
    y = exact(fill(np.float32(top + j + view.margin)))
    for layer in range(layers):
        if not tile.meets[j, layer]:
            continue
        radius = exact(load(tile.radii, (layer * TILE_ROWS + j) * LANES))
        across = x + radius * exact(fill(view.shifts[layer, s, 0]))
        down = y + radius * exact(fill(view.shifts[layer, s, 1]))
        first, upper = floor(across), floor(down)
        u, v = across - first, down - upper
        first = first - ramp
        w11 = u * v
        w01, w10 = u - w11, v - w11
        w00 = one - u - w10
        pending = zero < light
        while any_of(pending):
            column, row = first_of(pending, first), first_of(pending, upper)
            these = pending & ((first == exact(fill(column))) & (upper == exact(fill(row))))
            pending = pending ^ these
            i = ((layer * rows + np.int64(row)) * CHANNELS) * pitch + np.int64(column)
            k = i + CHANNELS * pitch
            shown = select(these, light, zero)
            for c in range(3):
                colour = _blend(texels, i + c * pitch, k + c * pitch, w00, w01, w10, w11)
                add_doubles(tile.sums, (j * 3 + c) * LANES, shown * colour)
            if layer < layers - 1:
                alpha = _blend(texels, i + 3 * pitch, k + 3 * pitch, w00, w01, w10, w11)
                light = select(these, light * (one - alpha), light)
        light = select(light < exact(fill(MIN_TRANSMITTANCE)), zero, light)
        if not any_of(zero < light):
            break


@compiled(forceinline=True)
def _blend(texels, i, k, w00, w01, w10, w11):  # type: ignore[no-untyped-def]
    """Return what lies between the texels from ``i`` on and those a row below, from ``k`` on."""
    above = w00 * exact(load(texels, i)) + w01 * exact(load(texels, i + 1))
    return above + w10 * exact(load(texels, k)) + w11 * exact(load(texels, k + 1))
