"""Compiled attention over pair lists for the CPU: forward and backward, normalised over queries (Eq. 3) or over keys.

Features are rows, (R,heads,d) contiguous, R the tokens of all pictures. An anchor owns a normaliser; four neighbouring
anchors form a team with one list of partners, so that a partner's features are loaded once for four products. Heads run
in parallel and nothing else does: every sum has one order, whatever the number of threads.

``lists``: (teams (G,4), sizes (G,), starts (G+1,), partners (P,), log_circle (4,P) or (4,0), visible (4,P) or (4,0),
visibility (rays+1,) the share of light for each number of visible rays, 1/sqrt(d), length of the longest list, whether
anchors are keys). A team of fewer than four repeats its last anchor, and the repetition weighs nothing.
"""

import math
from typing import Any

import numba
import numpy as np
from numba.extending import overload

from ..compiled import compiled

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


@compiled(fastmath=FAST)
def _score(partners: np.ndarray, x: np.ndarray, team: np.ndarray, y: np.ndarray, head: int, scores: np.ndarray) -> None:
    """Write the products <x_a, y_p> of a team's anchors a with each partner p, (4,n)."""
    a, b, c, d = team[0], team[1], team[2], team[3]
    for j in range(len(partners)):
        p = partners[j]
        sum_a = sum_b = sum_c = sum_d = x.dtype.type(0)
        for i in range(x.shape[2]):
            of_partner = y[p, head, i]
            sum_a += x[a, head, i] * of_partner
            sum_b += x[b, head, i] * of_partner
            sum_c += x[c, head, i] * of_partner
            sum_d += x[d, head, i] * of_partner
        scores[0, j], scores[1, j], scores[2, j], scores[3, j] = sum_a, sum_b, sum_c, sum_d


@compiled(fastmath=FAST)
def _spread(
    partners: np.ndarray, weights: np.ndarray, x: np.ndarray, team: np.ndarray, head: int, out: np.ndarray
) -> None:
    """Add the weighted x_a of a team's anchors to the row of each partner."""
    a, b, c, d = team[0], team[1], team[2], team[3]
    for j in range(len(partners)):
        p = partners[j]
        of_a, of_b, of_c, of_d = weights[0, j], weights[1, j], weights[2, j], weights[3, j]
        for i in range(x.shape[2]):
            out[p, head, i] += of_a * x[a, head, i] + of_b * x[b, head, i] + of_c * x[c, head, i] + of_d * x[d, head, i]


@compiled(fastmath=FAST)
def _collect(
    partners: np.ndarray, weights: np.ndarray, x: np.ndarray, team: np.ndarray, head: int, out: np.ndarray
) -> None:
    """Add the weighted x_p of each partner to the rows of a team's anchors."""
    a, b, c, d = team[0], team[1], team[2], team[3]
    for j in range(len(partners)):
        p = partners[j]
        of_a, of_b, of_c, of_d = weights[0, j], weights[1, j], weights[2, j], weights[3, j]
        for i in range(x.shape[2]):
            of_partner = x[p, head, i]
            out[a, head, i] += of_a * of_partner
            out[b, head, i] += of_b * of_partner
            out[c, head, i] += of_c * of_partner
            out[d, head, i] += of_d * of_partner


@compiled(fastmath=FAST)
def _logits(lists: Any, anchors: np.ndarray, others: np.ndarray, g: int, head: int, S: np.ndarray) -> None:
    """Write S + ln C of a team's pairs, (4,n)."""
    teams, starts, partners, log_circle, scale = lists[0], lists[2], lists[3], lists[4], lists[7]
    _score(partners[starts[g] : starts[g + 1]], anchors, teams[g], others, head, S)
    for m in range(4):
        for j in range(starts[g + 1] - starts[g]):
            S[m, j] *= scale
            if log_circle.shape[1]:
                S[m, j] += log_circle[m, starts[g] + j]


@compiled(fastmath=FAST)
def _normalise(S: np.ndarray, m: int, count: int) -> float:
    """Turn an anchor's logits into weights that sum to 1; return the logarithm of their sum before."""
    highest = S[m, 0]
    for j in range(1, count):
        highest = max(highest, S[m, j])
    total = S.dtype.type(0)
    for j in range(count):
        S[m, j] = exponential(S[m, j] - highest)
        total += S[m, j]
    for j in range(count):
        S[m, j] /= total
    return highest + math.log(total)


@compiled(fastmath=FAST)
def _hide(lists: Any, g: int, weights: np.ndarray) -> None:
    """Multiply the weights of a team's pairs by their visibility."""
    starts, visible, visibility = lists[2], lists[5], lists[6]
    for m in range(4 if visible.shape[1] else 0):
        for j in range(starts[g + 1] - starts[g]):
            weights[m, j] *= visibility[visible[m, starts[g] + j]]


@compiled(parallel=True, fastmath=FAST)
def attend(lists: Any, features: Any, output: np.ndarray, log_sum: np.ndarray) -> None:
    """Add O (Eq. 9) to ``output`` (R,heads,d) and write the logarithm of each anchor's sum to ``log_sum`` (R,heads).

    ``features``: (of the anchors, of the others, V), that is (K,Q,V) by keys, (Q,K,V) by queries.
    """
    teams, sizes, starts, partners, longest, by_keys = lists[0], lists[1], lists[2], lists[3], lists[8], lists[9]
    anchors, others, V = features
    for head in numba.prange(anchors.shape[1]):
        A = np.empty((4, longest), anchors.dtype)
        for g in range(len(teams)):
            mine = partners[starts[g] : starts[g + 1]]
            _logits(lists, anchors, others, g, head, A)
            for m in range(sizes[g]):
                log_sum[teams[g, m], head] = _normalise(A, m, len(mine))
            A[sizes[g] :] = 0.0
            _hide(lists, g, A)
            if by_keys:
                _spread(mine, A, V, teams[g], head, output)
            else:
                _collect(mine, A, V, teams[g], head, output)


@compiled(parallel=True, fastmath=FAST)
def attend_backward(lists: Any, features: Any, log_sum: np.ndarray, gradients: Any) -> None:
    """Add to the gradients of (anchors, others, V), each (R,heads,d).

    ``features``: (K,Q,V,dO) by keys, (Q,K,dO,V) by queries.
    """
    teams, starts, partners, longest, by_keys = lists[0], lists[2], lists[3], lists[8], lists[9]
    anchors, others, of_anchors, of_others = features
    d_anchors, d_others, d_values = gradients
    for head in numba.prange(anchors.shape[1]):
        A, G = np.empty((4, longest), anchors.dtype), np.empty((4, longest), anchors.dtype)
        for g in range(len(teams)):
            mine = partners[starts[g] : starts[g + 1]]
            _logits(lists, anchors, others, g, head, A)
            _score(mine, of_anchors, teams[g], of_others, head, G)
            _hide(lists, g, G)
            _differentiate(lists, g, head, log_sum, A, G)
            _collect(mine, G, others, teams[g], head, d_anchors)
            _spread(mine, G, anchors, teams[g], head, d_others)
            _hide(lists, g, A)
            if by_keys:
                _collect(mine, A, of_others, teams[g], head, d_values)
            else:
                _spread(mine, A, of_anchors, teams[g], head, d_values)


@compiled(fastmath=FAST)
def _differentiate(lists: Any, g: int, head: int, log_sum: np.ndarray, A: np.ndarray, G: np.ndarray) -> None:
    """Turn a team's logits into weights A, and G = M <V, dO> into dS = A (G - delta) / sqrt(d), delta = sum A G.

    By keys delta is <V_k, dV_k>.
    """
    teams, sizes, starts, scale = lists[0], lists[1], lists[2], lists[7]
    A[sizes[g] :] = 0.0
    G[sizes[g] :] = 0.0
    for m in range(sizes[g]):
        delta, highest = scale * 0, log_sum[teams[g, m], head]
        for j in range(starts[g + 1] - starts[g]):
            A[m, j] = exponential(min(A[m, j] - highest, scale * 0))
            delta += A[m, j] * G[m, j]
        for j in range(starts[g + 1] - starts[g]):
            G[m, j] = A[m, j] * (G[m, j] - delta) * scale
