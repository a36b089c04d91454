"""Compiles what ``blocks.compile_blocks`` runs networks on, without networks: no weights, nothing of diffusers."""

import numpy as np

from ...convolution.simd_winograd import LANES
from ...convolution.winograd import compile_convolution
from .group_norm import find_moments
from .transformer_steps import After, Before, LayerNorm, after_attention, before_attention, pack_matrix

SIDE = 4


def compile_rendering() -> None:
    """Run every kernel once on a few pixels, all 0, with arguments of the types that rendering has."""
    picture, values = np.zeros((SIDE, SIDE, LANES), np.float32), np.zeros(LANES, np.float32)
    moments = find_moments(picture, 1, 1e-5, values, values)
    compile_convolution()

    rows, norm = picture.reshape(-1, LANES), LayerNorm(values, values, np.float32(1e-5))
    layer, double, triple = (pack_matrix(np.zeros((n * LANES, LANES)), np.zeros(n * LANES)) for n in (1, 2, 3))
    hidden, q, k, v, out = (np.empty_like(rows) for _ in range(5))
    before_attention((0, 1), rows, moments, Before(layer, norm, triple), hidden, q, k, v)
    after_attention((0, 1), rows, hidden, v, values, After(layer, norm, double, layer, layer), out)
