"""3 x 3 convolutions of pictures by Winograd's transform: a quarter of the products, in blocks that stay in cache.

Pictures are (H,W,C) float32, channels last, C a multiple of 16. What a block reads is normalised and activated on its
way into the cache, and what a residual adds is added on its way out, so that neither passes through memory by itself.
Every output has one order of sums, whatever the number of threads. Source: see ``simd_winograd``.
"""

from typing import NamedTuple

import numpy as np

from ...core.compiled import compiled
from ...core.sharing import share_range
from ...core.torch_state import keeping_torch_state
from ..attention.cpu.exponentials import FASTMATH, exponential
from .simd_winograd import (
    LANES,
    OUTPUTS,
    PANEL,
    POSITIONS,
    ROWS,
    WEIGHTS,
    multiply_panel,
    transform_tile,
    transform_tile_back,
)

TILES_Y, TILES_X = 4, 8
"""Tiles of a block; their transform stays in the second cache."""

BLOCK_Y, BLOCK_X = TILES_Y * OUTPUTS, TILES_X * OUTPUTS

ONE, ZERO = np.float32(1.0), np.float32(0.0)


class Moments(NamedTuple):
    """A norm of one picture as (x - mean) scale + shift, (C,) float32 each.

    The mean is taken away first: where all is alike, scale is large, and scale x alone would lose what is left.
    """

    mean: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


NO_NORM = Moments(*[np.empty(0, np.float32)] * 3)
NO_RESIDUAL = np.empty((0, 0, 0), np.float32)


def pack_weights(weight: np.ndarray) -> np.ndarray:
    """Transform the weights (O,I,3,3) of a convolution to (36,panels,I,PANEL) float32, panels of output channels."""
    outputs, inputs = weight.shape[:2]
    U = np.einsum("pi,qj,okij->pqko", WEIGHTS, WEIGHTS, weight.astype(np.float64))
    U = np.pad(U.reshape(POSITIONS, inputs, outputs), ((0, 0), (0, 0), (0, -outputs % PANEL)))
    return np.ascontiguousarray(U.reshape(POSITIONS, inputs, -1, PANEL).swapaxes(1, 2), dtype=np.float32)


def convolve(
    x: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray,
    out: np.ndarray,
    norm: Moments,
    activated: bool,
    residual: np.ndarray,
    elu: bool = False,
) -> None:
    """Write g(the convolution of f(x) with zeros around it, plus ``bias``), plus ``residual``, to ``out``.

    ``x``: (H,W,I); ``out``: (H,W,O), O of any number; ``weights``: of ``pack_weights``; f: SiLU of the ``norm`` if
    ``activated``, else the identity; g: ELU if ``elu``, else the identity; ``residual``: (H,W,O), or NO_RESIDUAL. It
    may be ``out`` itself.
    """
    blocks = -(-x.shape[0] // BLOCK_Y) * -(-x.shape[1] // BLOCK_X)
    share_range(_convolve_blocks, blocks, x, weights, bias, out, norm, activated, residual, elu)


@keeping_torch_state()
def compile_convolution() -> None:
    """Run the kernel once on a few pixels, all 0, with arguments of the types that rendering has."""
    picture, values = np.zeros((OUTPUTS, OUTPUTS, LANES), np.float32), np.zeros(LANES, np.float32)
    weights = pack_weights(np.zeros((LANES, LANES, 3, 3), np.float32))
    convolve(picture, weights, values, np.empty_like(picture), NO_NORM, False, NO_RESIDUAL)


@compiled(fastmath=FASTMATH)
def _convolve_blocks(
    blocks: tuple[int, int],
    x: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray,
    out: np.ndarray,
    norm: Moments,
    activated: bool,
    residual: np.ndarray,
    elu: bool,
) -> None:
    inputs, padded = x.shape[2], weights.shape[1] * PANEL
    seen = np.zeros((BLOCK_Y + 2, BLOCK_X + 2, inputs), np.float32)
    V = np.zeros((POSITIONS, TILES_Y * TILES_X, inputs), np.float32)
    M = np.empty((POSITIONS, TILES_Y * TILES_X, padded), np.float32)
    made = np.empty((BLOCK_Y, BLOCK_X, padded), np.float32)
    across = (x.shape[1] + BLOCK_X - 1) // BLOCK_X
    for block in range(blocks[0], blocks[1]):
        top, left = block // across * BLOCK_Y, block % across * BLOCK_X
        rows = (min(BLOCK_Y, x.shape[0] - top) + OUTPUTS - 1) // OUTPUTS
        columns = (min(BLOCK_X, x.shape[1] - left) + OUTPUTS - 1) // OUTPUTS
        _look(x, top, left, norm, activated, seen)
        for tile in range(rows * columns):
            i, j = tile // columns * OUTPUTS, tile % columns * OUTPUTS
            first = (i * seen.shape[1] + j) * inputs
            transform_tile(seen, first, seen.shape[1] * inputs, inputs, V, tile * inputs, V.shape[1] * inputs, inputs)
        _multiply(V, weights, rows * columns, M)
        for tile in range(rows * columns):
            i, j = tile // columns * OUTPUTS, tile % columns * OUTPUTS
            first = (i * made.shape[1] + j) * padded
            transform_tile_back(
                M, tile * padded, M.shape[1] * padded, made, first, made.shape[1] * padded, padded, padded
            )
        _hand_out(made, top, left, bias, elu, residual, out)


@compiled(fastmath=FASTMATH)
def _look(x: np.ndarray, top: int, left: int, norm: Moments, activated: bool, seen: np.ndarray) -> None:
    """Copy what a block sees of x, and one pixel around it, to ``seen``: f(x), beyond the picture 0."""
    mean, scale, shift = norm
    first, end = max(left - 1, 0), min(left + BLOCK_X + 1, x.shape[1])
    for i in range(seen.shape[0]):
        y = top - 1 + i
        if not 0 <= y < x.shape[0]:
            seen[i] = 0.0
            continue
        seen[i, : first - left + 1] = 0.0
        seen[i, end - left + 1 :] = 0.0
        for j in range(first, end):
            pixel, out = x[y, j], seen[i, j - left + 1]
            if activated:
                for c in range(len(pixel)):
                    value = (pixel[c] - mean[c]) * scale[c] + shift[c]
                    small = exponential(-np.abs(value))
                    out[c] = value * (ONE if value >= 0.0 else small) / (ONE + small)
            else:
                for c in range(len(pixel)):
                    out[c] = pixel[c]


@compiled(fastmath=FASTMATH)
def _multiply(V: np.ndarray, weights: np.ndarray, tiles: int, M: np.ndarray) -> None:
    """Write the product of each position's V (tiles,I) and weights (I,O) to M (tiles,O)."""
    inputs, padded = V.shape[2], M.shape[2]
    for position in range(POSITIONS):
        for panel in range(weights.shape[1]):
            u = (position * weights.shape[1] + panel) * inputs * PANEL
            for tile in range(0, tiles, ROWS):
                row = position * V.shape[1] + tile
                multiply_panel(V, row * inputs, inputs, weights, u, M, row * padded + panel * PANEL, padded)


@compiled(fastmath=FASTMATH)
def _hand_out(
    made: np.ndarray, top: int, left: int, bias: np.ndarray, elu: bool, residual: np.ndarray, out: np.ndarray
) -> None:
    """Write a block's part of ``out``."""
    for i in range(min(BLOCK_Y, out.shape[0] - top)):
        for j in range(min(BLOCK_X, out.shape[1] - left)):
            pixel, values = out[top + i, left + j], made[i, j]
            if elu:
                _write_elu(values, bias, residual, top + i, left + j, pixel)
            elif len(residual):
                other = residual[top + i, left + j]
                for c in range(len(pixel)):
                    pixel[c] = values[c] + bias[c] + other[c]
            else:
                for c in range(len(pixel)):
                    pixel[c] = values[c] + bias[c]


@compiled(fastmath=FASTMATH)
def _write_elu(values: np.ndarray, bias: np.ndarray, residual: np.ndarray, y: int, x: int, pixel: np.ndarray) -> None:
    """Write a pixel's ELU and residual to ``pixel``, which may be the residual's; spoils ``values``."""
    for c in range(len(pixel)):
        value = values[c] + bias[c]
        values[c] = max(value, ZERO) + (exponential(min(value, ZERO)) - ONE)
    if len(residual):
        for c in range(len(pixel)):
            pixel[c] = values[c] + residual[y, x, c]
    else:
        for c in range(len(pixel)):
            pixel[c] = values[c]
