"""The definition of the march: one pixel, one lens sample, one look after the other, with nothing skipped or packed.

``cpu/march.py`` takes the same steps a row of a tile at a time, ``device/march.py`` all rays at once. This one is
compiled, so that pictures of a useful size can be compared and timed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ...core.compiled import compiled
from .cpu.march import LITTLE_LIGHT, Shifts
from .cpu.reach import BIN_PX, LOOK_PX, TILE_PX, RayPlan
from .surfaces import FloatArray

HALF, ONE, BIN = np.float32(0.5), np.float32(1), np.float32(BIN_PX)


@compiled
def march_reference(
    front: FloatArray,
    back: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    plan: RayPlan,
    shifts: Shifts,
    lens: FloatArray,
    lens_start: NDArray[np.integer],
    output: FloatArray,
) -> None:
    """Render the tiles of ``output`` (H,W,3), linear, that ``plan`` gives a lens pattern.

    ``front``: (H,W,4), colour and coverage; ``back``: (H,W,3); ``defocus``: (H,W,2), signed px of front and back, -inf
    where nothing is behind; the rest as for ``march_tiles``.

    A look at the bin of defocus [low, low + BIN_PX) asks the pixel nearest to where the ray is in the bin's middle.
    Its front is met where its defocus d lies in the bin, or in the next nearer one if the ray has just crossed it: the
    pixel of the look before showed the same surface behind the ray. What was met hides its surroundings in depth. Its
    back is opaque and ends the ray.
    """
    total = np.empty(4, np.float32)
    for y in range(output.shape[0]):
        for x in range(output.shape[1]):
            ty, tx = y // TILE_PX, x // TILE_PX
            pattern = plan.lens_of_tile[ty, tx]
            if pattern >= 0:
                total[:] = 0
                for n in range(lens_start[pattern], lens_start[pattern + 1]):
                    looks = plan.looks[ty, tx, : plan.counts[ty, tx]]
                    _follow(
                        y, x, lens[n, 0], lens[n, 1], looks, plan.lowest, shifts, front, back, defocus, same_px, total
                    )
                for c in range(3):
                    output[y, x, c] = total[c] / total[3] if total[3] > 0 else front[y, x, c]


@compiled
def _follow(
    y: int,
    x: int,
    u: np.float32,
    v: np.float32,
    looks: FloatArray,
    lowest: float,
    shifts: Shifts,
    front: FloatArray,
    back: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    total: FloatArray,
) -> None:
    """Add to ``total`` (4,) what the ray of pixel (y, x) through (v, u) on the lens sees, and how much of its light."""
    light, ceiling = ONE, np.float32(np.inf)
    colour = np.empty(3, np.float32)
    for low in looks:
        b = int((low - lowest) / BIN_PX + 0.5)
        py, px = y + _round(v * shifts.nearest_px[b]), x + _round(u * shifts.nearest_px[b])
        qy, qx = y + _round(v * shifts.nearest_px[b + 1]), x + _round(u * shifts.nearest_px[b + 1])
        j, i = _in_frame(py, px, defocus)
        d, before = defocus[j, i, 0], defocus[_in_frame(qy, qx, defocus)][0]
        seen = ONE if j == py and i == px else np.float32(0)
        crossed = before < low + BIN and d < before + same_px
        if low <= d < low + LOOK_PX and d < ceiling and (d < low + BIN or crossed):
            _interpolate(y, x, u * shifts.colour_px[b], v * shifts.colour_px[b], j, i, front, defocus, same_px, colour)
            weight = light * front[j, i, 3]
            for c in range(3):
                total[c] += weight * seen * colour[c]
            total[3] += weight * seen
            light -= weight
            ceiling = d - LOOK_PX
            if light < LITTLE_LIGHT:
                return
        if low <= defocus[j, i, 1] < low + LOOK_PX:
            for c in range(3):
                total[c] += light * seen * back[j, i, c]
            total[3] += light * seen
            return


@compiled
def _round(shift: np.float32) -> int:
    return math.floor(shift + HALF)


@compiled
def _in_frame(y: int, x: int, defocus: FloatArray) -> tuple[int, int]:
    """Outside the frame its border pixels continue: they block rays, and are not seen."""
    return min(max(y, 0), defocus.shape[0] - 1), min(max(x, 0), defocus.shape[1] - 1)


@compiled
def _interpolate(
    y: int,
    x: int,
    right: np.float32,
    down: np.float32,
    j: int,
    i: int,
    front: FloatArray,
    defocus: FloatArray,
    same_px: np.float32,
    colour: FloatArray,
) -> None:
    """Write the front's colour at (y + down, x + right), bilinear among seen neighbours of the surface at (j, i)."""
    upper, left = math.floor(down), math.floor(right)
    fy, fx = down - np.float32(upper), right - np.float32(left)
    total = np.float32(0)
    colour[:] = 0
    for dy in range(2):
        for dx in range(2):
            py, px = y + upper + dy, x + left + dx
            ny, nx = _in_frame(py, px, defocus)
            if ny == py and nx == px and abs(defocus[ny, nx, 0] - defocus[j, i, 0]) < same_px:
                weight = (fy if dy else ONE - fy) * (fx if dx else ONE - fx) * front[ny, nx, 3]
                for c in range(3):
                    colour[c] += weight * front[ny, nx, c]
                total += weight
    for c in range(3):
        colour[c] = colour[c] / total if total > LITTLE_LIGHT else front[j, i, c]
