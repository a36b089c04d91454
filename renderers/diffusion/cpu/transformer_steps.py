"""A transformer block but for its attention: every step that works on tokens one by one, over rows that stay in cache.

Tokens are rows, (R,C) float32, C a multiple of 16; threads share them.
"""

from typing import NamedTuple

import numpy as np

from ....core.compiled import compiled
from ...attention.cpu.exponentials import FASTMATH, exponential
from ...convolution.simd_winograd import PANEL, ROWS, multiply_panel
from ...convolution.winograd import Moments

BLOCK = 64
"""Rows at a time."""

ONE, HALF, SQRT_HALF = np.float32(1.0), np.float32(0.5), np.float32(np.sqrt(0.5))
P = np.float32(0.3275911)
A1, A2, A3, A4, A5 = map(np.float32, (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429))
"""erf to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""


class Linear(NamedTuple):
    """``weights`` (panels,I,PANEL), see ``pack_matrix``; ``bias`` (panels * PANEL,)."""

    weights: np.ndarray
    bias: np.ndarray


class LayerNorm(NamedTuple):
    """``weight`` and ``bias`` (C,), ``eps``."""

    weight: np.ndarray
    bias: np.ndarray
    eps: np.float32


class Before(NamedTuple):
    """The steps before the attention: into the block, norm, and queries, keys and values side by side."""

    enter: Linear
    norm: LayerNorm
    project: Linear


class After(NamedTuple):
    """The steps after it: the attention's output, norm, feed-forward (GEGLU), and out of the block.

    ``widen`` makes values and gates side by side.
    """

    mix: Linear
    norm: LayerNorm
    widen: Linear
    narrow: Linear
    leave: Linear


def pack_matrix(weight: np.ndarray, bias: np.ndarray) -> Linear:
    """Pack the weight (O,I) and bias (O,) of a linear layer; columns beyond O are 0."""
    outputs, inputs = weight.shape
    padded = -outputs % PANEL
    panels = np.pad(weight.T, ((0, 0), (0, padded))).reshape(inputs, -1, PANEL).swapaxes(0, 1)
    return Linear(np.ascontiguousarray(panels, np.float32), np.pad(bias, (0, padded)).astype(np.float32))


@compiled(fastmath=FASTMATH)
def before_attention(
    rows: tuple[int, int],
    x: np.ndarray,
    group_norm: Moments,
    steps: Before,
    hidden: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
) -> None:
    """Write ``hidden`` (R,C) and queries, keys and values (R,C) of x (R,C), given its ``group_norm``.

    ``rows``: first and last block of ``BLOCK`` rows; and so below.
    """
    channels, (mean, scale, shift) = x.shape[1], group_norm
    given = np.zeros((BLOCK, channels), np.float32)
    entered = np.empty((BLOCK, len(steps.enter.bias)), np.float32)
    projected = np.empty((BLOCK, len(steps.project.bias)), np.float32)
    for block in range(rows[0], rows[1]):
        first = block * BLOCK
        count = min(BLOCK, len(x) - first)
        for i in range(count):
            for c in range(channels):
                given[i, c] = (x[first + i, c] - mean[c]) * scale[c] + shift[c]
        _multiply(given, count, steps.enter.weights, entered)
        for i in range(count):
            for c in range(channels):
                hidden[first + i, c] = entered[i, c] + steps.enter.bias[c]
            _normalise(hidden[first + i], steps.norm, given[i])
        _multiply(given, count, steps.project.weights, projected)
        for i in range(count):
            values, bias = projected[i], steps.project.bias
            for c in range(channels):
                q[first + i, c] = values[c] + bias[c]
            for c in range(channels):
                k[first + i, c] = values[channels + c] + bias[channels + c]
            for c in range(channels):
                v[first + i, c] = values[2 * channels + c] + bias[2 * channels + c]


@compiled(fastmath=FASTMATH)
def after_attention(
    rows: tuple[int, int],
    x: np.ndarray,
    hidden: np.ndarray,
    mixed: np.ndarray,
    constant: np.ndarray,
    steps: After,
    out: np.ndarray,
) -> None:
    """Write what the block makes of x, ``hidden`` and what the attention ``mixed`` (R,C) to ``out`` (R,C).

    ``constant``: (C,), what the cross-attention adds to every row.
    """
    channels, inner = x.shape[1], steps.narrow.weights.shape[1]
    given = np.zeros((BLOCK, channels), np.float32)
    state = np.zeros((BLOCK, channels), np.float32)
    made = np.empty((BLOCK, len(steps.mix.bias)), np.float32)
    wide = np.empty((BLOCK, len(steps.widen.bias)), np.float32)
    gated = np.zeros((BLOCK, inner), np.float32)
    for block in range(rows[0], rows[1]):
        first = block * BLOCK
        count = min(BLOCK, len(x) - first)
        given[:count] = mixed[first : first + count]
        _multiply(given, count, steps.mix.weights, made)
        for i in range(count):
            for c in range(channels):
                state[i, c] = hidden[first + i, c] + made[i, c] + steps.mix.bias[c] + constant[c]
            _normalise(state[i], steps.norm, given[i])
        _multiply(given, count, steps.widen.weights, wide)
        for i in range(count):
            _gate(wide[i, :inner], wide[i, inner:], steps.widen.bias, steps.widen.bias[inner:], gated[i])
        _multiply(gated, count, steps.narrow.weights, made)
        for i in range(count):
            for c in range(channels):
                state[i, c] += made[i, c] + steps.narrow.bias[c]
        _multiply(state, count, steps.leave.weights, made)
        for i in range(count):
            for c in range(channels):
                out[first + i, c] = x[first + i, c] + made[i, c] + steps.leave.bias[c]


@compiled(fastmath=FASTMATH)
def _multiply(x: np.ndarray, count: int, weights: np.ndarray, out: np.ndarray) -> None:
    """Write the product of the first ``count`` rows of x (BLOCK,I) and packed weights to ``out`` (BLOCK,O)."""
    inputs, width = x.shape[1], out.shape[1]
    for panel in range(len(weights)):
        for row in range(0, count, ROWS):
            first = row * width + panel * PANEL
            multiply_panel(x, row * inputs, inputs, weights, panel * inputs * PANEL, out, first, width)


@compiled(fastmath=FASTMATH)
def _normalise(x: np.ndarray, norm: LayerNorm, out: np.ndarray) -> None:
    """Write the layer norm of a row to ``out``."""
    count = x.dtype.type(len(x))
    mean, square = x.dtype.type(0.0), x.dtype.type(0.0)
    for c in range(len(x)):
        mean += x[c]
    mean /= count
    for c in range(len(x)):
        square += (x[c] - mean) * (x[c] - mean)
    scale = ONE / np.sqrt(square / count + norm.eps)
    for c in range(len(x)):
        out[c] = (x[c] - mean) * scale * norm.weight[c] + norm.bias[c]


@compiled(fastmath=FASTMATH)
def _gate(values: np.ndarray, gates: np.ndarray, bias: np.ndarray, gate_bias: np.ndarray, out: np.ndarray) -> None:
    """Write values times GELU(gates), Gauss's error function and no approximation by tanh, to ``out``."""
    for c in range(len(out)):
        gate = gates[c] + gate_bias[c]
        z = np.abs(gate) * SQRT_HALF
        t = ONE / (ONE + P * z)
        rest = ((((A5 * t + A4) * t + A3) * t + A2) * t + A1) * t * exponential(-z * z)
        share = HALF * rest if gate < 0.0 else ONE - HALF * rest
        out[c] = (values[c] + bias[c]) * gate * share
