"""Direct CPU kernels, work N r^2, to measure the span kernel against; only the benchmark and the tests call them.

Both use the same threads and strips as the span kernel.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.compiled import compiled
from ...renderers.classical.cpu.strips import run_strips, split_rows
from .simd_add import add_scaled
from .soft_edge import EDGE_REACH_PX, soft_edge

Floats = NDArray[np.float32]

_REACH = np.float32(EDGE_REACH_PX - 0.01)


def scatter_direct(linear: Tensor, radius_px: Tensor, threads: int | None = None) -> Tensor:
    """Spread every pixel over its disc by the literal compiled loop; arguments and result as ``scatter_spans``.

    Computes in float64: it is the truth for images that are too large for the reference.
    """
    return _scatter(_literal_strip, linear, radius_px, threads)


def scatter_tabulated(linear: Tensor, radius_px: Tensor, threads: int | None = None) -> Tensor:
    """Spread every pixel over its disc by the direct loop at its best; arguments and result as ``scatter_spans``.

    The weights come from the table, each serves its four mirror images, and colour and weight are added as one vector,
    as in the span kernel. (Whole rows of one colour as wider vectors are slower: each row overlaps the row that the
    pixel before has just written, off by one.)
    """
    return _scatter(_tabulated_strip, linear, radius_px, threads)


def _scatter(strip: Callable, linear: Tensor, radius_px: Tensor, threads: int | None) -> Tensor:
    colours = np.ascontiguousarray(linear.detach().numpy())
    radii = np.ascontiguousarray(radius_px.detach().numpy())
    threads = threads or torch.get_num_threads()
    output = np.empty_like(colours)
    run_strips(
        lambda top, bottom: strip(colours, radii, top, bottom, output),
        split_rows((radii**2).mean(axis=1) + 1, threads),
        threads,
    )
    return torch.from_numpy(output)


@compiled
def _literal_strip(linear: Floats, radius: Floats, top: int, bottom: int, output: Floats) -> None:
    """Write rows [top, bottom) of ``output`` (3,H,W), as the definition reads."""
    height, width = radius.shape
    sums = np.zeros((bottom - top, width, 4))
    reach = int(radius.max()) + 1
    for y in range(max(0, top - reach), min(height, bottom + reach)):
        for x in range(width):
            r = np.float64(radius[y, x])
            window = int(r) + 1
            for v in range(max(top, y - window), min(bottom, y + window + 1)):
                for u in range(max(0, x - window), min(width, x + window + 1)):
                    distance = math.sqrt((u - x) ** 2 + (v - y) ** 2)
                    weight = (0.5 + 0.5 * math.tanh(4 * (r - distance))) / (r * r + 0.2)
                    for c in range(3):
                        sums[v - top, u, c] += weight * linear[c, y, x]
                    sums[v - top, u, 3] += weight
    for c in range(3):
        output[c, top:bottom] = sums[:, :, c] / sums[:, :, 3]


@compiled
def _tabulated_strip(linear: Floats, radius: Floats, top: int, bottom: int, output: Floats) -> None:
    """Write rows [top, bottom) of ``output`` (3,H,W)."""
    height, width = radius.shape
    reach = int(radius.max()) + 1
    pitch = 4 * ((width + 2 * reach) | 1)  # padded, so that discs need no clipping
    sums = np.zeros((bottom - top) * pitch, np.float32)
    for y in range(max(0, top - reach), min(height, bottom + reach)):
        first_dy = max(0, top - y, y - bottom + 1)
        for x in range(width):
            r = radius[y, x]
            weight = np.float32(1) / (r * r + np.float32(0.2))
            red, green, blue = linear[0, y, x] * weight, linear[1, y, x] * weight, linear[2, y, x] * weight
            for dy in range(first_dy, min(int(r) + 1, max(bottom - 1 - y, y - top)) + 1):
                above = ((y - dy - top) * pitch + 4 * (x + reach)) if dy > 0 and top <= y - dy < bottom else -1
                below = ((y + dy - top) * pitch + 4 * (x + reach)) if top <= y + dy < bottom else -1
                one, other = (below, above) if below >= 0 else (above, below)  # ``one`` is always inside
                _add_rows(sums, one, other, r, dy, red, green, blue, weight)
    for y in range(top, bottom):
        for x in range(width):
            start = (y - top) * pitch + 4 * (x + reach)
            for c in range(3):
                output[c, y, x] = sums[start + c] / sums[start + 3]


@compiled
def _add_rows(
    sums: Floats, one: int, other: int, r: np.float32, dy: int, red: float, green: float, blue: float, weight: float
) -> None:
    """Add one row of the disc around the centres ``one`` and, where >= 0, ``other``."""
    for dx in range(int(r) + 2):
        t = r - math.sqrt(np.float32(dx * dx + dy * dy))
        edge = soft_edge(min(max(t, -_REACH), _REACH))
        add_scaled(sums, one + 4 * dx, edge, red, green, blue, weight)
        if dx > 0:
            add_scaled(sums, one - 4 * dx, edge, red, green, blue, weight)
        if other >= 0:
            add_scaled(sums, other + 4 * dx, edge, red, green, blue, weight)
            if dx > 0:
                add_scaled(sums, other - 4 * dx, edge, red, green, blue, weight)
