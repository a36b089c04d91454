"""The ray tracer's inner loop: sixteen neighbouring pixels send a ray through one point of the lens together.

Their rays meet a plane side by side, so that the texels lie side by side as well; where the blur radius's change along
the row leaves a gap between two of them, the lanes before and behind it are looked up one after the other. Lanes that
see nothing more carry no light. Each pixel gets the bits of a loop over its own rays: products and sums are rounded
one by one, and added up in float64.
"""

import math

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
def _mark_layers(any_alpha, any_gap, defocus_planes, x, y, margin, meets):  # type: ignore[no-untyped-def]
    """Mark in ``meets`` (L,) the layers that a ray of the pixel can meet, up to the first without gaps there.

    Returns the farthest that a ray gets from the pixel on them, px.
    """
    rows, columns = any_alpha.shape[1] - 1, any_alpha.shape[2] - 1
    farthest = 0.0
    for layer in range(any_alpha.shape[0]):
        slope_x, slope_y, offset = defocus_planes[layer]
        radius = slope_x * x + slope_y * y + offset
        distance = abs(radius) / (1.0 - math.hypot(slope_x, slope_y))
        reach = math.ceil(distance) + 1
        top, bottom = max(y + margin - reach, 0), min(y + margin + reach + 1, rows)
        left, right = max(x + margin - reach, 0), min(x + margin + reach + 1, columns)
        if _box_sum(any_alpha[layer], top, bottom, left, right) == 0:
            continue
        meets[layer] = True
        farthest = max(farthest, distance)
        if _box_sum(any_gap[layer], top, bottom, left, right) == 0:
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
def trace_rows(  # type: ignore[no-untyped-def]
    top, planes, any_alpha, any_gap, defocus_planes, shifts, limits, ends, margin, output
):
    """Render rows [top, top + TILE_ROWS) of ``output`` (H,W,3), linear.

    ``planes``: see ``lay_out``; ``any_alpha``, ``any_gap``: their summed-area tables; ``shifts``: see ``ray_shifts``;
    pixels whose rays reach up to ``limits[i]`` px take the shifts from ``ends[i - 1]`` to ``ends[i]``.
    """
    layers, width = planes.shape[0], output.shape[1]
    rows = min(TILE_ROWS, output.shape[0] - top)
    meets = np.empty((TILE_ROWS, layers), np.bool_)
    levels, used = np.empty(TILE_ROWS * LANES, np.float32), np.empty(len(ends), np.bool_)
    radii = np.empty(layers * TILE_ROWS * LANES, np.float32)
    sums = np.empty(TILE_ROWS * 3 * LANES, np.float64)
    shape, texels = planes.shape, planes.reshape(-1)
    for left in range(0, width, LANES):
        meets[:], used[:], sums[:], levels[:] = False, False, 0.0, -1.0
        for j in range(rows):
            for i in range(LANES):
                x, y = left + i, top + j
                for layer in range(layers):
                    slope_x, slope_y, offset = defocus_planes[layer]
                    radii[(layer * TILE_ROWS + j) * LANES + i] = slope_x * x + slope_y * y + offset
                if x < width:
                    reach = _mark_layers(any_alpha, any_gap, defocus_planes, x, y, margin, meets[j])
                    level = np.searchsorted(limits, reach)
                    levels[j * LANES + i], used[level] = level, True
        for level in range(len(ends)):
            if used[level]:
                for s in range(ends[level - 1] if level > 0 else 0, ends[level]):
                    for j in range(rows):
                        _trace_lanes(
                            left + margin,
                            top + j + margin,
                            j,
                            s,
                            level,
                            shape,
                            texels,
                            meets,
                            levels,
                            radii,
                            shifts,
                            sums,
                        )
        for j in range(rows):
            for i in range(min(LANES, width - left)):
                level = np.int64(levels[j * LANES + i])
                samples = ends[level] - (ends[level - 1] if level > 0 else 0)
                for c in range(3):
                    output[top + j, left + i, c] = sums[(j * 3 + c) * LANES + i] / samples


@compiled(forceinline=True)
def _trace_lanes(  # type: ignore[no-untyped-def]
    x, y, j, s, level, shape, texels, meets, levels, radii, shifts, sums
):
    """Let the pixels of a tile's row ``j`` that take this level's samples send ray ``s``; add what they see."""
    layers, rows, _, pitch = shape
    ramp, zero, one = exact(load(RAMP, 0)), exact(fill(ZERO)), exact(fill(ONE))
    here = exact(load(levels, j * LANES)) == exact(fill(np.float32(level)))
    if not any_of(here):
        return
    light = select(here, one, zero)
    across0, down0 = ramp + exact(fill(np.float32(x))), exact(fill(np.float32(y)))
    for layer in range(layers):
        if not meets[j, layer]:
            continue
        radius = exact(load(radii, (layer * TILE_ROWS + j) * LANES))
        across = across0 + radius * exact(fill(shifts[layer, s, 0]))
        down = down0 + radius * exact(fill(shifts[layer, s, 1]))
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
                add_doubles(sums, (j * 3 + c) * LANES, shown * colour)
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
