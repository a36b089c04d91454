"""Compiled attention over pair lists for the CPU: forward and backward, normalised over queries (Eq. 3) or over keys.

Features are rows, (R,heads,d) contiguous, R the tokens of all pictures, d a multiple of 16. An anchor owns a
normaliser; sixteen neighbouring anchors form a team with one list of partners, nearest first, so that each step is a
small matrix product. Threads share out the heads and nothing else: every sum has one order, however many there are.

Lists are as long as the worst case asks. What a head visits of them is decided by its logits: the forward pass stops
where the rest of a list can add no more than ``NEGLIGIBLE`` of any of its anchors' sums, and the backward pass visits
what turned out to add more. ``softmax`` holds the steps from logits to weights, ``records`` what the arguments are.
"""

import math

import numpy as np

from ....core.compiled import compiled
from .exponentials import FASTMATH
from .records import BackwardFeatures, Features, Gradients, Pairs, Scratch, Tracing
from .simd_matmul import LANES, ROWS, multiply_four_rows
from .softmax import (
    LOG_NEGLIGIBLE,
    UNROLLED,
    add_circle,
    differentiate,
    drop,
    exponentiate,
    hide,
    keep_highest,
    normalise,
)
from .trace_pairs import trace_team

BLOCK = 64
"""Partners at a time: their features stay in the first cache."""

STRIP = 16
"""Teams that one head visits before the next head does: their partners' features stay in the second cache."""


@compiled
def _make_scratch(longest: int, features: np.ndarray) -> Scratch:
    """Return what lists of a length need, for features of that size and type."""
    size, dtype = features.shape[2], features.dtype
    numbers = np.arange(max(longest, size, LANES), dtype=np.int32)
    A, G = np.empty((longest, LANES), dtype), np.empty((longest, LANES), dtype)
    X, V = np.empty((LANES, size), dtype), np.empty((LANES, size), dtype)
    return Scratch(numbers, A, G, X, V, np.empty((size, LANES), dtype))


@compiled(fastmath=FASTMATH)
def _score(partners: np.ndarray, y: np.ndarray, head: int, scratch: Scratch, out: np.ndarray) -> None:
    """Write the products <x_a, y_p> of a team's packed features with each partner's to out (n,16)."""
    numbers, size = scratch.numbers, y.shape[2]
    for j in range(0, len(partners), ROWS):
        rows, places = _four(partners, j, y.shape[1] * size, head * size), _four(numbers[: len(partners)], j, LANES, 0)
        multiply_four_rows(y, rows, 1, scratch.columns, numbers[:size], LANES, 0, out, places, False)


@compiled(fastmath=FASTMATH)
def _scatter_add(
    partners: np.ndarray, weights: np.ndarray, x: np.ndarray, numbers: np.ndarray, head: int, out: np.ndarray
) -> None:
    """Add the weighted x_a (16,d) of a team's anchors to the row of each partner."""
    size = x.shape[1]
    for j in range(0, len(partners), ROWS):
        rows = _four(numbers[: len(partners)], j, LANES, 0)
        for i in range(0, size, LANES):
            places = _four(partners, j, out.shape[1] * size, head * size + i)
            multiply_four_rows(weights, rows, 1, x, numbers[:LANES], size, i, out, places, True)


@compiled(fastmath=FASTMATH)
def _collect(partners: np.ndarray, weights: np.ndarray, y: np.ndarray, head: int, out: np.ndarray) -> None:
    """Write the sum of each partner's weighted y_p for a team's anchors to out (16,d)."""
    size = y.shape[2]
    flat = out.reshape(-1)
    for i in range(len(flat)):
        flat[i] = 0.0
    for j in range(0, len(partners), BLOCK):
        block = partners[j : j + BLOCK]
        for a in range(0, LANES, ROWS):
            first = j * LANES + a
            rows = (first, first + 1, first + 2, first + 3)
            for i in range(0, size, LANES):
                place = a * size + i
                places = (place, place + size, place + 2 * size, place + 3 * size)
                multiply_four_rows(
                    weights, rows, LANES, y, block, y.shape[1] * size, head * size + i, out, places, True
                )


@compiled(fastmath=FASTMATH)
def _four(rows: np.ndarray, j: int, pitch: int, first: int) -> tuple[int, int, int, int]:
    """Return the places of the j-th and the three next rows; beyond the end the last one's."""
    last = len(rows) - 1
    a, b, c, d = rows[j], rows[min(j + 1, last)], rows[min(j + 2, last)], rows[min(j + 3, last)]
    return a * pitch + first, b * pitch + first, c * pitch + first, d * pitch + first


@compiled(fastmath=FASTMATH)
def _pack(team: np.ndarray, x: np.ndarray, head: int, scale: float, rows: np.ndarray, columns: np.ndarray) -> None:
    """Copy the scaled features of a team's anchors to ``rows`` (16,d) and ``columns`` (d,16)."""
    for m in range(LANES):
        for i in range(x.shape[2]):
            rows[m, i] = columns[i, m] = scale * x[team[m], head, i]


@compiled(fastmath=FASTMATH)
def _put(team: np.ndarray, size: int, values: np.ndarray, scale: float, head: int, out: np.ndarray) -> None:
    """Add values (16,d) to the rows of a team's anchors."""
    for m in range(size):
        for i in range(out.shape[2]):
            out[team[m], head, i] += scale * values[m, i]


@compiled(fastmath=FASTMATH)
def _visit(
    lists: Pairs, g: int, y: np.ndarray, head: int, bound: np.ndarray, scratch: Scratch
) -> tuple[int, np.ndarray]:
    """Write a team's logits S + ln C until the others hardly count; return how many, and each anchor's highest."""
    teams, starts, partners, log_rest = lists.teams, lists.starts, lists.partners, lists.log_rest
    S = scratch.A
    first, count = starts[g], starts[g + 1] - starts[g]
    highest = np.empty(UNROLLED, S.dtype)
    for i in range(UNROLLED):
        highest[i] = -math.inf
    for begin in range(0, count, BLOCK):
        if begin and len(log_rest):
            excess = log_rest[first + begin] - LOG_NEGLIGIBLE
            for m in range(LANES):
                if bound[teams[g, m], head] - highest[m] + excess > 0.0:
                    break
            else:
                return begin, highest
        end = min(begin + BLOCK, count)
        _score(partners[first + begin : first + end], y, head, scratch, S[begin:end])
        add_circle(lists, g, begin, S[begin:end])
        keep_highest(S[begin:end], highest)
    return count, highest


@compiled(fastmath=FASTMATH)
def attend(
    heads: tuple[int, int],
    lists: Pairs,
    features: Features,
    bound: np.ndarray,
    output: np.ndarray,
    log_sum: np.ndarray,
    kept: np.ndarray,
    tracing: Tracing,
    traced: np.ndarray,
) -> None:
    """Add O (Eq. 9) of heads from the first of ``heads`` up to the second to ``output`` (R,heads,d).

    Write the logarithm of each anchor's sum to ``log_sum`` (R,heads) and how many partners of each team the backward
    pass has to visit to ``kept`` (G,heads). ``bound`` (R,heads): no logit of an anchor is higher. ``traced`` (G,): how
    many partners of each team have their rays traced; where more count, those are traced, too.
    """
    scratch, traced = _make_scratch(lists.longest, output), traced.copy()  # threads write the same rays, at any time
    for strip in range(0, len(kept), STRIP):
        for head in range(heads[0], heads[1]):
            for g in range(strip, min(strip + STRIP, len(kept))):
                kept[g, head] = _attend_team(lists, features, bound, g, head, scratch, output, log_sum, tracing, traced)


@compiled(fastmath=FASTMATH)
def _attend_team(
    lists: Pairs,
    features: Features,
    bound: np.ndarray,
    g: int,
    head: int,
    scratch: Scratch,
    output: np.ndarray,
    log_sum: np.ndarray,
    tracing: Tracing,
    traced: np.ndarray,
) -> int:
    team, size, first, partners = lists.teams[g], lists.sizes[g], lists.starts[g], lists.partners
    scale = lists.scale
    anchors, others, V = features
    _pack(team, anchors, head, scale, scratch.X, scratch.columns)
    count, highest = _visit(lists, g, others, head, bound, scratch)
    count, sums = normalise(scratch.A[:count], highest)
    for m in range(size):
        log_sum[team[m], head] = sums[m]
    A, mine = scratch.A[:count], partners[first : first + count]
    drop(A, size)
    if count > traced[g] and len(lists.visible):
        trace_team(tracing, g, traced[g], count, lists.visible)
        traced[g] = count
    hide(lists, g, A)
    if lists.by_keys:
        _pack(team, V, head, scale / scale, scratch.V, scratch.columns)
        _scatter_add(mine, A, scratch.V, scratch.numbers, head, output)
    else:
        _collect(mine, A, V, head, scratch.V)
        _put(team, size, scratch.V, scale / scale, head, output)
    return count


@compiled(fastmath=FASTMATH)
def attend_backward(
    heads: tuple[int, int],
    lists: Pairs,
    features: BackwardFeatures,
    log_sum: np.ndarray,
    kept: np.ndarray,
    gradients: Gradients,
) -> None:
    """Add to the gradients, of heads from the first up to the second."""
    scratch = _make_scratch(lists.longest, features[0])
    for strip in range(0, len(kept), STRIP):
        for head in range(heads[0], heads[1]):
            for g in range(strip, min(strip + STRIP, len(kept))):
                _differentiate_team(lists, features, log_sum, kept[g, head], g, head, scratch, gradients)


@compiled(fastmath=FASTMATH)
def _differentiate_team(
    lists: Pairs,
    features: BackwardFeatures,
    log_sum: np.ndarray,
    count: int,
    g: int,
    head: int,
    scratch: Scratch,
    gradients: Gradients,
) -> None:
    team, size, first, partners = lists.teams[g], lists.sizes[g], lists.starts[g], lists.partners
    scale = lists.scale
    anchors, others, of_anchors, of_others = features
    d_anchors, d_others, d_values = gradients
    A, G, mine = scratch.A[:count], scratch.G[:count], partners[first : first + count]
    _pack(team, of_anchors, head, scale / scale, scratch.V, scratch.columns)
    _score(mine, of_others, head, scratch, G)
    hide(lists, g, G)
    _pack(team, anchors, head, scale, scratch.X, scratch.columns)
    _score(mine, others, head, scratch, A)
    _recall(lists, g, head, log_sum, A)
    drop(A, size)
    differentiate(A, G)
    _scatter_add(mine, G, scratch.X, scratch.numbers, head, d_others)
    _collect(mine, G, others, head, scratch.X)
    _put(team, size, scratch.X, scale, head, d_anchors)
    hide(lists, g, A)
    if lists.by_keys:
        _collect(mine, A, of_others, head, scratch.V)
        _put(team, size, scratch.V, scale / scale, head, d_values)
    else:
        _scatter_add(mine, A, scratch.V, scratch.numbers, head, d_values)


@compiled(fastmath=FASTMATH)
def _recall(lists: Pairs, g: int, head: int, log_sum: np.ndarray, S: np.ndarray) -> None:
    """Turn a team's logits S, still without ln C, into the forward pass's weights A."""
    sums = np.empty(LANES, S.dtype)
    for m in range(LANES):
        sums[m] = log_sum[lists.teams[g, m], head]
    add_circle(lists, g, 0, S)
    exponentiate(S, sums)
