"""CPU kernel of the classical renderer whose work grows with the radius instead of its square.

Each column of a disc is a span with soft ends. Only the changes of the weight at its ends are written
(``disc_tiles.py``), into rows of differences; one running sum down the picture gives the sums of colour and weight.

Sums are whole numbers: additions commute, so any order and any number of threads give the same bits, and what a disc
adds it takes away again exactly, however bright it is. Rows of differences lie in a ring that moves down with the
tiles, as high as the largest disc: memory does not grow with the height of the picture.

Accuracy: rims are cut where what is left out stays below a tolerance, so that the result is within 1e-4 (absolute,
linear light, highlights above 1 included) of the definition in float64.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....core.compiled import compiled
from ....core.lanes import LANES
from .disc_tiles import LONGEST_TAIL_PX, SCRATCH, SOURCE_PLANES, TILE, TILE_ROWS, spread_tile
from .strips import run_strips, split_rows

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Sums = NDArray[np.integer]

TOLERANCE = 4e-5
"""Share of a pixel's light that the cut tails of all rims may hold, where discs overlap fully."""

FULL_WEIGHT = 0.6
"""Rows with a smaller sum of weights than this are rendered again with longer tails (full overlap sums to about pi)."""

BAND_ROWS = 16
"""Rows that are rendered again together, with the bands above and below if those are, too."""

FAINT = 0.02
"""Where sums of weights are smaller, and for highlights above 1, whole numbers have 64 bits instead of 32."""

LARGEST_WEIGHT = 64.0
"""Bounds the sum of weights in a pixel: 2 pi ln(R) and a few where every radius up to R is the distance to it."""


def scatter_spans(linear: Tensor, radius_px: Tensor, threads: int | None = None) -> Tensor:
    """Spread every pixel over its disc; see ``scatter_reference`` for the definition.

    ``linear``: (3,H,W) float32 on the CPU, linear light, [0,inf); ``radius_px``: (H,W) float32, >= 0, px;
    ``threads``: as many as torch uses if None; the result does not depend on it, bit for bit. Returns (3,H,W) float32.
    Memory beyond input and output: per thread 16 bytes for each column of 2 r + 10 rows, r the largest radius (32 bytes
    where highlights exceed 1), and r more columns on both sides.
    """
    colours = np.ascontiguousarray(linear.detach().numpy())
    radii = np.ascontiguousarray(radius_px.detach().numpy())
    height, width = radii.shape
    threads = threads or torch.get_num_threads()
    output, weights = np.empty_like(colours), np.empty((height, 2))
    brightest = max(1.0, float(colours.max()))
    largest = min(float(radii.max()), height + width + 2 * float(LONGEST_TAIL_PX))  # larger ones are flat over it all
    work = radii.mean(axis=1) + 1

    def render(top: int, bottom: int, share: float, heaviest: float, bits: int) -> None:
        """Render rows top to bottom; ``share``: of full overlap, ``heaviest``: bounds their sums of weights."""
        tolerance, units = TOLERANCE / brightest * share, 2.0 ** (bits - 1) / (heaviest * brightest)

        def render_strip(first: int, end: int) -> None:
            ring = _make_ring(largest, end - first, width, bits)
            _scatter_strip(colours, radii, np.float32(largest), first, end, tolerance, units, ring, output, weights)

        strips = [(top + first, top + end) for first, end in split_rows(work[top:bottom], threads)]
        run_strips(render_strip, strips, threads)

    bound = min(LARGEST_WEIGHT, 2.0 * radii.size / (float(radii.min()) ** 2 + 0.2))
    render(0, height, 1.0, bound, 32 if brightest == 1.0 else 64)
    for top, bottom in _find_light_runs(weights[:, 0]):
        lightest, heaviest = max(weights[top:bottom, 0].min(), 1e-12), weights[top:bottom, 1].max()
        bits = 32 if brightest == 1.0 and lightest > FAINT else 64
        render(top, bottom, lightest / FULL_WEIGHT, max(2.0 * heaviest, bound * 2.0**-20), bits)
    return torch.from_numpy(output)


def _find_light_runs(lightest: Doubles) -> list[tuple[int, int]]:
    """Return the runs of bands of rows (first, row after the last) where less than FULL_WEIGHT arrives somewhere."""
    bands = np.minimum.reduceat(lightest, np.arange(0, len(lightest), BAND_ROWS)) < FULL_WEIGHT
    bounds = BAND_ROWS * np.flatnonzero(np.diff(bands, prepend=False, append=False))
    return [(int(top), int(min(bottom, len(lightest)))) for top, bottom in bounds.reshape(-1, 2)]


def _make_ring(largest: float, rows: int, width: int, bits: int) -> Sums:
    """Return rows of differences (rows in reach of a tile, 4 channels one after the other), all 0."""
    reach = int(largest) + 1
    vectors = -(-width // LANES) + 2 * -(-min(reach, width) // LANES)
    vectors += 1 - vectors % 2  # an odd number spares cache conflicts
    return np.zeros((min(2 * reach + TILE_ROWS + 2, rows + 1), 4 * vectors * LANES), np.dtype(f"int{bits}"))


@compiled
def _scatter_strip(
    linear: Floats,
    radius: Floats,
    largest: np.float32,
    top: int,
    bottom: int,
    tolerance: float,
    units: float,
    ring: Sums,
    output: Floats,
    weights: Doubles,
) -> None:
    """Spread all tiles in reach of rows [top, bottom); sum and write each row when no further tile can reach it."""
    height, width = radius.shape
    reach, pitch = int(largest) + 1, ring.shape[1] // 4
    margin = min(reach, width)
    wide = -(-width // LANES) * LANES
    sums, total = ring.reshape(-1), np.zeros(4 * width, ring.dtype)
    source = _aligned(SOURCE_PLANES * TILE_ROWS * wide)
    scratch, changes = _aligned(SCRATCH), _aligned((reach + 2) * TILE)
    row_start = np.empty(2 * reach + TILE_ROWS + 1, np.int64)
    finished = top
    for y in range(max(0, top - reach) // TILE_ROWS * TILE_ROWS, min(height, bottom + reach), TILE_ROWS):
        _finish_rows(ring, top, finished, min(y - reach, bottom), margin, units, total, output, weights)
        finished = max(finished, min(y - reach, bottom))
        for i in range(row_start.shape[0]):  # rows above the strip count at its top, those below it in one row beyond
            row_start[i] = (min(max(y - reach + i, top), bottom) - top) % ring.shape[0] * ring.shape[1]
        _load_source(linear, radius, largest, y, units, wide, source)
        distance = max(0, top - y - TILE_ROWS + 1, y - bottom + 1)
        for x in range(0, width, LANES):
            spread_tile(source, wide, x, distance, tolerance, sums, pitch, row_start, margin + x, scratch, changes)
    _finish_rows(ring, top, finished, bottom, margin, units, total, output, weights)


@compiled
def _aligned(count: int) -> Floats:
    """Return an array that starts with a cache line: sixteen numbers never lie across two."""
    spacious = np.empty(count + LANES, np.float32)
    start = -spacious.ctypes.data % (4 * LANES) // 4
    return spacious[start : start + count]


@compiled
def _load_source(
    linear: Floats, radius: Floats, largest: np.float32, y: int, units: float, wide: int, source: Floats
) -> None:
    """Write radius, colours and weight, in ``units``, of a row of tiles; radius -1 beyond the picture's edges."""
    height, width = radius.shape
    plane = TILE_ROWS * wide
    for k in range(TILE_ROWS):
        start = k * wide
        inside = width if y + k < height else 0
        for x in range(inside):
            weight = np.float32(units / (np.float64(radius[y + k, x]) ** 2 + 0.2))
            source[start + x] = min(radius[y + k, x], largest)
            source[start + x + plane] = linear[0, y + k, x] * weight
            source[start + x + 2 * plane] = linear[1, y + k, x] * weight
            source[start + x + 3 * plane] = linear[2, y + k, x] * weight
            source[start + x + 4 * plane] = weight
        for x in range(inside, wide):
            source[start + x] = np.float32(-1)
            for channel in range(1, SOURCE_PLANES):
                source[start + x + channel * plane] = np.float32(0)


@compiled
def _finish_rows(
    ring: Sums,
    top: int,
    first: int,
    end: int,
    margin: int,
    units: float,
    total: Sums,
    output: Floats,
    weights: Doubles,
) -> None:
    """Add each row of differences to the sums so far and clear it, divide colour by weight; rows first to end - 1."""
    width, pitch = output.shape[2], ring.shape[1] // 4
    weight = total[3 * width :]
    for y in range(first, end):
        place = (y - top) % ring.shape[0]
        for channel in range(4):
            row = ring[place, channel * pitch + margin : channel * pitch + margin + width]
            so_far = total[channel * width : (channel + 1) * width]
            for x in range(width):
                so_far[x] += row[x]
                row[x] = 0
        least = largest = weight[0]
        for x in range(width):
            least, largest = min(least, weight[x]), max(largest, weight[x])
        weights[y, 0], weights[y, 1] = least / units, largest / units
        for channel in range(3):
            for x in range(width):
                output[channel, y, x] = np.float32(total[channel * width + x]) / np.float32(weight[x])
