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
from .disc_tiles import LONGEST_TAIL_PX, SCRATCH, SOURCE_PLANES, TILE, TILE_ROWS, spread_tile
from .lanes import LANES
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
"""Rows that are rendered again together."""

LARGEST_WEIGHT = 64.0
"""Bounds the sum of weights that can meet in a pixel: 5 and 2 pi ln(r) where every radius is the distance to it."""


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
    tolerance = TOLERANCE / brightest
    # larger discs are flat over the whole picture
    largest = min(float(radii.max()), height + width + 2 * float(LONGEST_TAIL_PX))
    whole = np.dtype(np.int32 if brightest == 1.0 else np.int64)
    units = 2.0 ** (8 * whole.itemsize - 1) / LARGEST_WEIGHT / brightest

    def render(top: int, bottom: int) -> None:
        _scatter(colours, radii, largest, top, bottom, tolerance, units, whole, output, weights)

    def render_again(top: int, bottom: int) -> None:
        lightest, heaviest = weights[top:bottom, 0].min(), weights[top:bottom, 1].max()
        finer = tolerance * max(lightest, 1e-12) / FULL_WEIGHT
        finest = 2.0**61 / max(heaviest, 1e-6) / brightest
        _scatter(colours, radii, largest, top, bottom, finer, finest, np.dtype(np.int64), output, weights)

    run_strips(render, split_rows(radii.mean(axis=1) + 1, threads), threads)
    bands = [(top, min(top + BAND_ROWS, height)) for top in range(0, height, BAND_ROWS)]
    run_strips(render_again, [band for band in bands if weights[slice(*band), 0].min() < FULL_WEIGHT], threads)
    return torch.from_numpy(output)


def _scatter(
    linear: Floats,
    radius: Floats,
    largest: float,
    top: int,
    bottom: int,
    tolerance: float,
    units: float,
    whole: np.dtype,
    output: Floats,
    weights: Doubles,
) -> None:
    """Write rows [top, bottom) of ``output`` (3,H,W) and the least and largest sum of weights of each, ``weights``."""
    reach, margin = int(largest) + 1, min(int(largest) + 1, radius.shape[1])
    pitch = -(-radius.shape[1] // LANES) * LANES + 2 * margin
    pitch += LANES - pitch % LANES + LANES * (pitch // LANES % 2)  # an odd number of vectors: spares cache conflicts
    ring = np.zeros((min(2 * reach + TILE_ROWS + 2, bottom - top + 1), 4 * pitch), whole)
    _scatter_strip(linear, radius, np.float32(largest), margin, top, bottom, tolerance, units, ring, output, weights)


@compiled
def _scatter_strip(
    linear: Floats,
    radius: Floats,
    largest: np.float32,
    margin: int,
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
    reach, pitch = np.int64(largest) + 1, ring.shape[1] // 4
    wide = -(-width // LANES) * LANES
    sums, total = ring.reshape(-1), np.zeros(4 * width, ring.dtype)
    source = _aligned(SOURCE_PLANES * TILE_ROWS * wide)
    scratch, changes = _aligned(SCRATCH), _aligned((reach + 2) * TILE)
    row_start = np.empty(2 * reach + TILE_ROWS + 1, np.int64)
    finished = top
    for y in range(max(0, top - reach) // TILE_ROWS * TILE_ROWS, min(height, bottom + reach), TILE_ROWS):
        while finished < min(y - reach, bottom):
            _finish_row(ring, (finished - top) % ring.shape[0], margin, units, total, finished, output, weights)
            finished += 1
        for i in range(row_start.shape[0]):  # rows above the strip count at its top, those below it in a row beyond
            row_start[i] = (min(max(y - reach + i, top), bottom) - top) % ring.shape[0] * ring.shape[1]
        _load_source(linear, radius, largest, y, units, wide, source)
        distance = max(0, top - y - TILE_ROWS + 1, y - bottom + 1)
        for x in range(0, width, LANES):
            spread_tile(
                source,
                wide,
                x,
                distance,
                width - 1,
                tolerance,
                sums,
                pitch,
                row_start,
                margin + x,
                scratch,
                changes,
            )
    while finished < bottom:
        _finish_row(ring, (finished - top) % ring.shape[0], margin, units, total, finished, output, weights)
        finished += 1


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
def _finish_row(
    ring: Sums, place: int, margin: int, units: float, total: Sums, y: int, output: Floats, weights: Doubles
) -> None:
    """Add a row of differences to the sums so far, divide colour by weight, and clear it for the next row."""
    width, pitch = output.shape[2], ring.shape[1] // 4
    for channel in range(4):
        row = ring[place, channel * pitch + margin : channel * pitch + margin + width]
        so_far = total[channel * width : (channel + 1) * width]
        for x in range(width):
            so_far[x] += row[x]
            row[x] = 0
    weight = total[3 * width :]
    least = largest = weight[0]
    for x in range(width):
        least, largest = min(least, weight[x]), max(largest, weight[x])
    weights[y, 0], weights[y, 1] = least / units, largest / units
    for channel in range(3):
        for x in range(width):
            output[channel, y, x] = np.float32(total[channel * width + x]) / np.float32(weight[x])
