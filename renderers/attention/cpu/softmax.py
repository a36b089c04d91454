"""From logits to weights: the elementwise steps of ``attend``, each over the pairs of one team.

Logits and weights are (n,16), partners by anchors; sums over partners keep ``UNROLLED`` numbers in flight.
"""

import math

import numpy as np

from ....core.compiled import compiled
from .exponentials import FASTMATH, exponential
from .records import Pairs
from .simd_matmul import LANES

LOG_NEGLIGIBLE = -14.0
NEGLIGIBLE = math.exp(LOG_NEGLIGIBLE)
"""Share of an anchor's sum that may be left out for being unvisited, and again for being small."""

GROUP = 8
"""Partners that are dropped together."""

UNROLLED = GROUP * LANES
"""Weights of a group: sums over a list keep as many in flight."""


@compiled(fastmath=FASTMATH)
def add_circle(lists: Pairs, g: int, begin: int, S: np.ndarray) -> None:
    """Add ln C to a team's logits from partner ``begin`` on."""
    log_circle, first = lists.log_circle, lists.starts[g] + begin
    if len(log_circle):
        flat, circle = S.reshape(-1), log_circle[first : first + len(S)].reshape(-1)
        for i in range(len(flat)):
            flat[i] += circle[i]


@compiled(fastmath=FASTMATH)
def hide(lists: Pairs, g: int, weights: np.ndarray) -> None:
    """Multiply the weights of a team's first pairs by their visibility."""
    visible, first = lists.visible, lists.starts[g]
    number = weights.dtype.type
    if len(visible):
        flat, rays = weights.reshape(-1), visible[first : first + len(weights)].reshape(-1)
        for i in range(len(flat)):
            flat[i] *= np.maximum(number(rays[i]) * lists.light_of_ray, lists.least_light)


@compiled(fastmath=FASTMATH)
def keep_highest(S: np.ndarray, highest: np.ndarray) -> None:
    """Keep each anchor's highest logit, in wide lanes; the first sixteen are exact."""
    flat = S.reshape(-1)
    for start in range(0, len(flat), UNROLLED):
        block = flat[start : start + UNROLLED]
        for i in range(len(block)):
            highest[i] = np.maximum(highest[i], block[i])
    for half in (UNROLLED // 2, UNROLLED // 4, UNROLLED // 8):
        for i in range(half):
            highest[i] = np.maximum(highest[i], highest[half + i])


@compiled(fastmath=FASTMATH)
def exponentiate(S: np.ndarray, log_sum: np.ndarray) -> np.ndarray:
    """Turn logits <= log_sum (16,) into exp(S - log_sum); return their sums (16,)."""
    flat, shift = S.reshape(-1), np.empty(UNROLLED, S.dtype)
    sums, total = np.zeros(UNROLLED, S.dtype), np.zeros(LANES, S.dtype)
    for i in range(UNROLLED):
        shift[i] = log_sum[i % LANES]
    for start in range(0, len(flat), UNROLLED):
        block = flat[start : start + UNROLLED]
        for i in range(len(block)):
            block[i] = exponential(np.minimum(block[i] - shift[i], S.dtype.type(0)))
            sums[i] += block[i]
    _add(sums, total)
    return total


@compiled(fastmath=FASTMATH)
def normalise(S: np.ndarray, highest: np.ndarray) -> tuple[int, np.ndarray]:
    """Turn logits into weights that sum to 1 for each anchor; return how many matter, and what ln of their sum was."""
    total = exponentiate(S, highest)
    flat, kept = S.reshape(-1), len(S)
    dropped, group = np.zeros(LANES, S.dtype), np.zeros(UNROLLED, S.dtype)
    while kept > GROUP:
        block = flat[(kept - GROUP) * LANES : kept * LANES]
        for i in range(UNROLLED):
            group[i] = block[i]
        _add(group, dropped)
        for m in range(LANES):
            if dropped[m] > NEGLIGIBLE * total[m]:
                break
        else:
            kept -= GROUP
            continue
        break
    scale = np.empty(UNROLLED, S.dtype)
    for i in range(UNROLLED):
        scale[i] = 1 / total[i % LANES]
    for start in range(0, kept * LANES, UNROLLED):
        block = flat[start : min(start + UNROLLED, kept * LANES)]
        for i in range(len(block)):
            block[i] *= scale[i]
    for m in range(LANES):
        total[m] = highest[m] + math.log(total[m])
    return kept, total


@compiled(fastmath=FASTMATH)
def differentiate(A: np.ndarray, G: np.ndarray) -> None:
    """Turn G = M <V, dO> into dS = A (G - delta), delta = sum A G; by keys delta is <V_k, dV_k>."""
    weights, gradients = A.reshape(-1), G.reshape(-1)
    wide, delta = np.zeros(UNROLLED, A.dtype), np.zeros(LANES, A.dtype)
    for start in range(0, len(weights), UNROLLED):
        a, g = weights[start : start + UNROLLED], gradients[start : start + UNROLLED]
        for i in range(len(a)):
            wide[i] += a[i] * g[i]
    _add(wide, delta)
    for i in range(UNROLLED):
        wide[i] = delta[i % LANES]
    for start in range(0, len(weights), UNROLLED):
        a, g = weights[start : start + UNROLLED], gradients[start : start + UNROLLED]
        for i in range(len(a)):
            g[i] = a[i] * (g[i] - wide[i])


@compiled
def drop(weights: np.ndarray, size: int) -> None:
    """Take away the weights of the repeated anchors of a small team."""
    for j in range(len(weights) if size < LANES else 0):
        for m in range(size, LANES):
            weights[j, m] = 0.0


@compiled(fastmath=FASTMATH)
def _add(values: np.ndarray, total: np.ndarray) -> None:
    """Add wide lanes to an anchor's total (16,)."""
    for half in (UNROLLED // 2, UNROLLED // 4, UNROLLED // 8):
        for i in range(half):
            values[i] += values[half + i]
    for m in range(LANES):
        total[m] += values[m]
