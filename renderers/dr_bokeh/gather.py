"""Dr.Bokeh's gather, compiled for the CPU: for each offset in reach, sixteen pixels of a row at a time.

No exponential is computed for a pair of pixels: those of the definition are products of one that belongs to the source
and one that belongs to the offset or to the pixel itself,

    rim = 1 / (1 + 10 exp(3 (l - r)) exp(3 (distance - l))),   V = 1 / (1 + exp(-20 d_s) exp(20 (d + 0.1))).

The first holds for any l. float32 spans about 28 px of it, so offsets are divided into bands that are as wide, each
with an l and a plane of its own.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.compiled import compiled
from ...core.lanes import LANES, any_of, fill, load, select, store
from ..classical.cpu.strips import run_strips
from ..mirror import mirror
from .layers import LensLayer
from .opacity import average_alpha
from .reference import DEPTH_SHARPNESS, DEPTH_STEP, RIM_FLOOR, RIM_SHARPNESS

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

TAIL_PX = 4.0
"""What lies farther beyond a disc's radius gets less than 6e-7 of its weight, and is left out."""

BAND_PX = 28
LARGEST_EXPONENT = 80.0
"""Beyond it a rim is 0 or 1 anyway; within it float32 holds the products' factors."""

BLURRED_BELOW = np.float32(1e-6)
"""A pixel with a smaller 1 - F is taken for blurred: nothing is hidden from it."""

TILE_ROWS = 8

STEP_GROWTH = np.float32(math.exp(2 * DEPTH_SHARPNESS * DEPTH_STEP))
OWN_HIDDEN = STEP_GROWTH / (1 + STEP_GROWTH)
"""1 - V of a pixel to itself."""

WEIGHT, RED, SHARP, BEHIND, FADE = 0, 1, 4, 5, 6
"""Planes of sources: alpha / r^2, colours times it, 1 - F, exp(-20 (d - 1/2)), 10 exp(3 (l - r)) of each band."""


def gather_on_cpu(layers: Sequence[LensLayer]) -> Tensor:
    """Gather and compose; see ``render_reference`` for the definition. float32, on the CPU. Returns (3,H,W), linear."""
    height, width = layers[0].alpha.shape
    wide = -(-width // LANES) * LANES
    picture, remaining = np.zeros((3, height, wide), np.float32), np.ones((height, wide), np.float32)
    remaining[:, width:] = 0
    for layer in layers:
        if bool((layer.alpha > 0).any()):
            _add_layer(layer, remaining, picture)
    return torch.from_numpy(picture[:, :, :width].copy())


def _add_layer(layer: LensLayer, remaining: Floats, picture: Floats) -> None:
    """Add a layer's light to ``picture`` (3,H,wide), and take its opacity from ``remaining`` (H,wide)."""
    alpha, defocus_px = layer.alpha.numpy(), layer.defocus_px.numpy()
    (height, width), wide = alpha.shape, remaining.shape[1]
    reach_px = np.where(alpha > 0, defocus_px + np.float32(1 + TAIL_PX), np.float32(0))
    margin = math.ceil(reach_px.max())
    opacity = np.zeros_like(remaining)
    opacity[:, :width] = average_alpha(layer).numpy()
    planes = _continue(_make_sources(layer, margin // BAND_PX + 1), margin, wide - width)
    blocks = _find_largest(_continue(reach_px, margin, wide - width))
    offsets = _measure_offsets(margin, planes[0].size)

    def gather(first: int, last: int) -> None:
        _gather_tiles(first, last, planes, margin, blocks, *offsets, remaining, opacity, picture)

    tiles = -(-height // TILE_ROWS)
    run_strips(gather, [(tile, tile + 1) for tile in range(tiles)], torch.get_num_threads())


def _continue(planes: Floats, margin: int, more_columns: int) -> Floats:
    return mirror(torch.from_numpy(planes), margin, more_columns).numpy()


def _make_sources(layer: LensLayer, bands: int) -> Floats:
    """Return the planes of sources, (FADE + bands,H,W)."""
    radius_px, alpha = layer.defocus_px.numpy() + np.float32(1), layer.alpha.numpy()
    planes = np.empty((FADE + bands, *alpha.shape), np.float32)
    planes[WEIGHT] = alpha / radius_px**2
    planes[RED:SHARP] = planes[WEIGHT] * layer.colour.numpy()
    planes[SHARP] = np.exp(-3 * layer.defocus_px.numpy() ** 2)
    planes[BEHIND] = np.exp(-2 * DEPTH_SHARPNESS * (layer.disparity.numpy() - 0.5))
    for band, level_px in enumerate(_levels_px(bands).tolist()):
        exponent = RIM_SHARPNESS * (level_px - radius_px)
        planes[FADE + band] = np.exp(np.clip(exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT)) / RIM_FLOOR
    return planes


def _levels_px(bands: int) -> NDArray[np.floating]:
    """Return l of each band: its middle."""
    return (np.arange(bands) + 0.5) * BAND_PX


def _find_largest(values: Floats) -> Floats:
    """Return the largest value of each block of TILE_ROWS x LANES."""
    rows, columns = (np.arange(0, size, step) for size, step in zip(values.shape, (TILE_ROWS, LANES), strict=True))
    return np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), columns, axis=1)


def _measure_offsets(margin: int, plane_size: int) -> tuple[Floats, Integers]:
    """Return exp(3 (distance - l)) of the offsets (|dy|,|dx|), and where the plane of their band starts."""
    distance_px = np.hypot(np.arange(margin + 1)[:, None], np.arange(margin + 1))
    band = np.minimum(distance_px.astype(np.int64), margin) // BAND_PX
    level_px = _levels_px(margin // BAND_PX + 1)[band]
    growth = np.exp(np.minimum(RIM_SHARPNESS * (distance_px - level_px), LARGEST_EXPONENT))
    return growth.astype(np.float32), (FADE + band) * plane_size


@compiled
def _gather_tiles(
    first: int,
    last: int,
    planes: NDArray[np.float32],
    margin: int,
    blocks: Floats,
    growth: Floats,
    fade_start: Integers,
    remaining: Floats,
    opacity: Floats,
    picture: Floats,
) -> None:
    """Add to rows of tiles [first, last) what a layer shows there, and take it from what ``remaining`` lets through."""
    (height, wide), (_, rows, pitch) = remaining.shape, planes.shape
    source, size = planes.reshape(-1), rows * pitch
    through, covers, output = remaining.reshape(-1), opacity.reshape(-1), picture.reshape(-1)
    zero, one = fill(np.float32(0)), fill(np.float32(1))
    for tile in range(first, last):
        for x in range(0, wide, LANES):
            reach = np.float32(-1)
            for y in range(tile * TILE_ROWS, min((tile + 1) * TILE_ROWS, height)):
                at, here = y * wide + x, (y + margin) * pitch + margin + x
                share = load(through, at) * load(covers, at)
                if not any_of(zero < share):
                    continue
                if reach < 0:
                    reach = _find_reach(blocks, margin, tile * TILE_ROWS + margin, x + margin)
                if any_of(fill(BLURRED_BELOW) < load(source, SHARP * size + here)):
                    red, green, blue, weight = _gather_sharp(source, size, pitch, here, reach, growth, fade_start)
                else:
                    red, green, blue, weight = _gather_blurred(source, size, pitch, here, reach, growth, fade_start)
                share_of_sum = share / select(zero < weight, weight, one)
                store(output, at, load(output, at) + share_of_sum * red)
                store(output, at + height * wide, load(output, at + height * wide) + share_of_sum * green)
                store(output, at + 2 * height * wide, load(output, at + 2 * height * wide) + share_of_sum * blue)
                store(through, at, load(through, at) - share)


@compiled
def _find_reach(blocks: Floats, margin: int, top: int, left: int) -> np.float32:
    """Return the largest reach, px, of the blocks that reach the tile at (top, left); none does farther than margin."""
    largest, bottom, right = np.float32(0), top + TILE_ROWS - 1, left + LANES - 1
    for i in range((top - margin) // TILE_ROWS, min((bottom + margin) // TILE_ROWS + 1, blocks.shape[0])):
        down = max(0, i * TILE_ROWS - bottom, top - (i + 1) * TILE_ROWS + 1)
        for j in range((left - margin) // LANES, min((right + margin) // LANES + 1, blocks.shape[1])):
            if blocks[i, j] > largest:
                across = max(0, j * LANES - right, left - (j + 1) * LANES + 1)
                if down * down + across * across <= blocks[i, j] * blocks[i, j]:
                    largest = blocks[i, j]
    return largest


@compiled
def _gather_blurred(source, size, pitch, here, reach, growth, fade_start):  # type: ignore[no-untyped-def]  # lanes
    """Return the sums of colours and weights at sixteen pixels from which nothing is hidden: F = 1."""
    one = fill(np.float32(1))
    red = green = blue = weight = fill(np.float32(0))
    window = int(reach)
    for dy in range(-window, window + 1):
        half = int(math.sqrt(reach * reach - dy * dy))
        for dx in range(-half, half + 1):
            at = here + dy * pitch + dx
            fade = load(source, fade_start[abs(dy), abs(dx)] + at) * fill(growth[abs(dy), abs(dx)])
            red, green, blue, weight = _add_light(source, size, at, one / (one + fade), red, green, blue, weight)
    return red, green, blue, weight


@compiled
def _gather_sharp(source, size, pitch, here, reach, growth, fade_start):  # type: ignore[no-untyped-def]  # lanes
    """Do the same where what is no nearer is hidden, as far as the pixels are in focus."""
    one, zero = fill(np.float32(1)), fill(np.float32(0))
    sharp, own = load(source, SHARP * size + here), fill(STEP_GROWTH) / load(source, BEHIND * size + here)
    blurred = one - sharp
    # The loop takes a pixel for hidden from itself, which it is not.
    rim = sharp * fill(OWN_HIDDEN) / (one + load(source, fade_start[0, 0] + here) * fill(growth[0, 0]))
    red, green, blue, weight = _add_light(source, size, here, rim, zero, zero, zero, zero)
    window = int(reach)
    for dy in range(-window, window + 1):
        half = int(math.sqrt(reach * reach - dy * dy))
        for dx in range(-half, half + 1):
            at = here + dy * pitch + dx
            fade = load(source, fade_start[abs(dy), abs(dx)] + at) * fill(growth[abs(dy), abs(dx)])
            seen = blurred + sharp / (one + load(source, BEHIND * size + at) * own)
            red, green, blue, weight = _add_light(source, size, at, seen / (one + fade), red, green, blue, weight)
    return red, green, blue, weight


@compiled
def _add_light(source, size, at, share, red, green, blue, weight):  # type: ignore[no-untyped-def]  # lanes
    """Add a share of the sources at ``at`` to the four sums."""
    red, green = red + share * load(source, size + at), green + share * load(source, 2 * size + at)
    return red, green, blue + share * load(source, 3 * size + at), weight + share * load(source, at)
