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
def _dot(x: np.ndarray, i: int, y: np.ndarray, j: int, head: int) -> float:
    total = x.dtype.type(0)
    for c in range(x.shape[2]):
        total += x[i, head, c] * y[j, head, c]
    return total


@numba.njit(fastmath=FAST, cache=True)
def _add(out: np.ndarray, i: int, weight: float, x: np.ndarray, j: int, head: int) -> None:
    for c in range(x.shape[2]):
        out[i, head, c] += weight * x[j, head, c]


@numba.njit(fastmath=FAST, cache=True)
def _logits(lists: Any, anchors: np.ndarray, others: np.ndarray, i: int, head: int, S: np.ndarray) -> None:
    """Write S + ln C of an anchor's pairs."""
    starts, partners, log_circle, scale = lists[0], lists[1], lists[2], lists[5]
    for j in range(starts[i + 1] - starts[i]):
        S[j] = _dot(anchors, i, others, partners[starts[i] + j], head) * scale
    if len(log_circle):
        for j in range(starts[i + 1] - starts[i]):
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
            count = starts[i + 1] - starts[i]
            _logits(lists, anchors, others, i, head, A)
            log_sum[i, head] = _normalise(A, count)
            _hide(lists, i, A)
            for j in range(count):
                other = partners[starts[i] + j]
                if A[j] > 0.0 and by_keys:
                    _add(output, other, A[j], V, i, head)
                elif A[j] > 0.0:
                    _add(output, i, A[j], V, other, head)


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
        A, AM, G = np.empty(longest, anchors.dtype), np.empty(longest, anchors.dtype), np.empty(longest, anchors.dtype)
        for i in range(anchors.shape[0]):
            count = starts[i + 1] - starts[i]
            _logits(lists, anchors, others, i, head, A)
            delta = scale * 0
            for j in range(count):
                A[j] = exponential(min(A[j] - log_sum[i, head], scale * 0))
                AM[j] = A[j]
                G[j] = _dot(of_anchors, i, of_others, partners[starts[i] + j], head)
            _hide(lists, i, AM)
            _hide(lists, i, G)
            for j in range(count):
                delta += A[j] * G[j]
            for j in range(count):
                other = partners[starts[i] + j]
                dS = A[j] * (G[j] - delta) * scale
                _add(d_anchors, i, dS, others, other, head)
                _add(d_others, other, dS, anchors, i, head)
                if by_keys:
                    _add(d_values, i, AM[j], of_others, other, head)
                else:
                    _add(d_values, other, AM[j], of_anchors, i, head)
