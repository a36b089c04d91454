"""Compiled attention over pair lists for the CPU: forward and backward, normalised over queries (Eq. 3) or over keys.

Features are rows, (R,heads,d) contiguous, R the tokens of all pictures. An anchor owns a normaliser and a list of
partners. Heads run in parallel and nothing else does: every sum has one order, whatever the number of threads.

``lists``: (starts (R+1,), partners (P,), log_circle (P,) or empty, visible (P,) or empty, visibility (rays+1,) the
share of light for each number of visible rays, 1/sqrt(d), length of the longest list, whether anchors are keys).
"""

import math
from typing import Any

import numba
import numpy as np
from numba.extending import overload

FAST = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be reordered into vectors; infinities and NaN keep their meaning."""

COMMON_SIZE = 64
"""The size of SDXL's heads: written out, because loops of a known length run up to a third faster."""


def exponential(x: Any) -> Any:
    """Return exp(x) for x <= 0."""
    return math.exp(x)


@overload(exponential)
def _compile_exponential(x: Any) -> Any:
    def exponential_float64(x: Any) -> Any:
        return math.exp(x)

    log2_e, ln2_high, ln2_low = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
    c2, c3, c4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
    c5, c6, c7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
    one, half, lowest = np.float32(1.0), np.float32(0.5), np.float32(-87.0)

    def exponential_float32(x: Any) -> Any:
        """Cephes' expf, relative error 1e-7, in operations that vectorise (math.exp does not)."""
        x = max(x, lowest)
        n = np.floor(x * log2_e + half)
        r = (x - n * ln2_high) - n * ln2_low
        series = ((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2
        power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
        return (series * r * r + r + one) * power

    return exponential_float32 if x == numba.float32 else exponential_float64


@numba.njit(fastmath=FAST, cache=True)
def _score(partners: np.ndarray, x: np.ndarray, i: int, y: np.ndarray, head: int, scores: np.ndarray) -> None:
    """Write the products <x_i, y_p> with each partner p."""
    for j in range(len(partners)):
        p = partners[j]
        total = x.dtype.type(0)
        if x.shape[2] == COMMON_SIZE:
            for c in range(COMMON_SIZE):
                total += x[i, head, c] * y[p, head, c]
        else:
            for c in range(x.shape[2]):
                total += x[i, head, c] * y[p, head, c]
        scores[j] = total


@numba.njit(fastmath=FAST, cache=True)
def _spread(partners: np.ndarray, weights: np.ndarray, x: np.ndarray, i: int, head: int, out: np.ndarray) -> None:
    """Add weight * x_i to the row of each partner."""
    for j in range(len(partners)):
        p, weight = partners[j], weights[j]
        if weight != 0.0 and x.shape[2] == COMMON_SIZE:
            for c in range(COMMON_SIZE):
                out[p, head, c] += weight * x[i, head, c]
        elif weight != 0.0:
            for c in range(x.shape[2]):
                out[p, head, c] += weight * x[i, head, c]


@numba.njit(fastmath=FAST, cache=True)
def _collect(partners: np.ndarray, weights: np.ndarray, x: np.ndarray, i: int, head: int, out: np.ndarray) -> None:
    """Add weight * x_p of each partner p to row i."""
    for j in range(len(partners)):
        p, weight = partners[j], weights[j]
        if weight != 0.0 and x.shape[2] == COMMON_SIZE:
            for c in range(COMMON_SIZE):
                out[i, head, c] += weight * x[p, head, c]
        elif weight != 0.0:
            for c in range(x.shape[2]):
                out[i, head, c] += weight * x[p, head, c]


@numba.njit(fastmath=FAST, cache=True)
def _logits(lists: Any, anchors: np.ndarray, others: np.ndarray, i: int, head: int, S: np.ndarray) -> None:
    """Write S + ln C of an anchor's pairs."""
    starts, partners, log_circle, scale = lists[0], lists[1], lists[2], lists[5]
    _score(partners[starts[i] : starts[i + 1]], anchors, i, others, head, S)
    for j in range(starts[i + 1] - starts[i]):
        S[j] *= scale
        if len(log_circle):
            S[j] += log_circle[starts[i] + j]


@numba.njit(fastmath=FAST, cache=True)
def _normalise(S: np.ndarray, count: int) -> float:
    """Turn logits into weights that sum to 1; return the logarithm of their sum before."""
    highest = S[0]
    for j in range(1, count):
        highest = max(highest, S[j])
    total = S.dtype.type(0)
    for j in range(count):
        S[j] = exponential(S[j] - highest)
        total += S[j]
    for j in range(count):
        S[j] /= total
    return highest + math.log(total)


@numba.njit(fastmath=FAST, cache=True)
def _hide(lists: Any, i: int, weights: np.ndarray) -> None:
    """Multiply the weights of an anchor's pairs by their visibility."""
    starts, visible, visibility = lists[0], lists[3], lists[4]
    if len(visible):
        for j in range(starts[i + 1] - starts[i]):
            weights[j] *= visibility[visible[starts[i] + j]]


@numba.njit(parallel=True, fastmath=FAST, cache=True)
def attend(lists: Any, features: Any, output: np.ndarray, log_sum: np.ndarray) -> None:
    """Add O (Eq. 9) to ``output`` (R,heads,d) and write the logarithm of each anchor's sum to ``log_sum`` (R,heads).

    ``features``: (of the anchors, of the others, V), that is (K,Q,V) by keys, (Q,K,V) by queries.
    """
    starts, partners, longest, by_keys = lists[0], lists[1], lists[6], lists[7]
    anchors, others, V = features
    for head in numba.prange(anchors.shape[1]):
        A = np.empty(longest, anchors.dtype)
        for i in range(anchors.shape[0]):
            mine = partners[starts[i] : starts[i + 1]]
            _logits(lists, anchors, others, i, head, A)
            log_sum[i, head] = _normalise(A, len(mine))
            _hide(lists, i, A)
            if by_keys:
                _spread(mine, A, V, i, head, output)
            else:
                _collect(mine, A, V, i, head, output)


@numba.njit(parallel=True, fastmath=FAST, cache=True)
def attend_backward(lists: Any, features: Any, log_sum: np.ndarray, gradients: Any) -> None:
    """Add to the gradients of (anchors, others, V), each (R,heads,d).

    ``features``: (K,Q,V,dO) by keys, (Q,K,dO,V) by queries. With G = M <V, dO> of a pair and delta = sum A G of an
    anchor (by keys <V_k, dV_k>), dS = A (G - delta).
    """
    starts, partners, scale, longest, by_keys = lists[0], lists[1], lists[5], lists[6], lists[7]
    anchors, others, of_anchors, of_others = features
    d_anchors, d_others, d_values = gradients
    for head in numba.prange(anchors.shape[1]):
        A, G = np.empty(longest, anchors.dtype), np.empty(longest, anchors.dtype)
        for i in range(anchors.shape[0]):
            mine = partners[starts[i] : starts[i + 1]]
            _logits(lists, anchors, others, i, head, A)
            _score(mine, of_anchors, i, of_others, head, G)
            _hide(lists, i, G)
            delta = scale * 0
            for j in range(len(mine)):
                A[j] = exponential(min(A[j] - log_sum[i, head], scale * 0))
                delta += A[j] * G[j]
            for j in range(len(mine)):
                G[j] = A[j] * (G[j] - delta) * scale
            _collect(mine, G, others, i, head, d_anchors)
            _spread(mine, G, anchors, i, head, d_others)
            _hide(lists, i, A)
            if by_keys:
                _collect(mine, A, of_others, i, head, d_values)
            else:
                _spread(mine, A, of_anchors, i, head, d_values)
