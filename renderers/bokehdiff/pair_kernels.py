"""Compiled attention over pair lists for the CPU: forward and backward, normalised over queries (Eq. 3) or over keys.

Features are rows, (R,heads,d) contiguous, R the tokens of all pictures, d a multiple of 16. An anchor owns a
normaliser; sixteen neighbouring anchors form a team with one list of partners, nearest first, so that each step is a
small matrix product. Threads share out the heads and nothing else: every sum has one order, however many there are.

Lists are as long as the worst case asks. What a head visits of them is decided by its logits: the forward pass stops
where the rest of a list can add no more than ``NEGLIGIBLE`` of any of its anchors' sums, and the backward pass visits
what turned out to add more.

``lists``: (teams (G,16), sizes (G,), starts (G+1,), partners (P,), log_circle (P,16) or (0,16), visible (P,16) or
(0,16), log_rest (P,) what the circles of this partner and all later ones of its list add up to, light of one visible
ray, light of none, 1/sqrt(d), length of the longest list, whether anchors are keys). A team of fewer than sixteen
repeats its last anchor, and the repetition weighs nothing.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.extending import overload

from ..compiled import compiled
from .row_products import LANES, ROWS, multiply_rows

LOG_NEGLIGIBLE = -14.0
NEGLIGIBLE = math.exp(LOG_NEGLIGIBLE)
"""Share of an anchor's sum that may be left out for being unvisited, and again for being small."""

BLOCK = 64
"""Partners at a time: their features stay in the first cache."""

GROUP = 8
"""Partners that are dropped together."""

WIDE = GROUP * LANES
"""Weights of a group: sums over a list keep as many in flight."""

STRIP = 16
"""Teams that one head visits before the next head does: their partners' features stay in the second cache."""

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
    one, half, lowest = np.float32(1.0), np.float32(0.5), np.float32(-60.0)

    def exponential_float32(x: Any) -> Any:
        """Cephes' expf, relative error 1e-7, in operations that vectorise (math.exp does not)."""
        x = np.maximum(x, lowest)
        n = np.floor(x * log2_e + half)
        r = (x - n * ln2_high) - n * ln2_low
        series = ((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2
        power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
        return (series * r * r + r + one) * power

    return exponential_float32 if x == numba.float32 else exponential_float64


class Room(NamedTuple):
    """What a thread works in.

    ``numbers``: 0, 1, ... int32; ``A``, ``G``: (n,16), weights of a team's pairs; ``X``, ``V``: (16,d), features of a
    team; ``columns``: (d,16), the same the other way round.
    """

    numbers: np.ndarray
    A: np.ndarray
    G: np.ndarray
    X: np.ndarray
    V: np.ndarray
    columns: np.ndarray


@compiled
def _make_room(longest: int, features: np.ndarray) -> Room:
    """Return room for lists of a length, for features of that size and type."""
    size, dtype = features.shape[2], features.dtype
    numbers = np.arange(max(longest, size, LANES), dtype=np.int32)
    A, G = np.empty((longest, LANES), dtype), np.empty((longest, LANES), dtype)
    X, V = np.empty((LANES, size), dtype), np.empty((LANES, size), dtype)
    return Room(numbers, A, G, X, V, np.empty((size, LANES), dtype))


@compiled(fastmath=FAST)
def _score(partners: np.ndarray, y: np.ndarray, head: int, room: Room, out: np.ndarray) -> None:
    """Write the products <x_a, y_p> of a team's packed features with each partner's to out (n,16)."""
    numbers, size = room.numbers, y.shape[2]
    for j in range(0, len(partners), ROWS):
        rows, places = _four(partners, j, y.shape[1] * size, head * size), _four(numbers[: len(partners)], j, LANES, 0)
        multiply_rows(y, rows, 1, room.columns, numbers[:size], LANES, 0, out, places, False)


@compiled(fastmath=FAST)
def _spread(
    partners: np.ndarray, weights: np.ndarray, x: np.ndarray, numbers: np.ndarray, head: int, out: np.ndarray
) -> None:
    """Add the weighted x_a (16,d) of a team's anchors to the row of each partner."""
    size = x.shape[1]
    for j in range(0, len(partners), ROWS):
        rows = _four(numbers[: len(partners)], j, LANES, 0)
        for i in range(0, size, LANES):
            places = _four(partners, j, out.shape[1] * size, head * size + i)
            multiply_rows(weights, rows, 1, x, numbers[:LANES], size, i, out, places, True)


@compiled(fastmath=FAST)
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
                multiply_rows(weights, rows, LANES, y, block, y.shape[1] * size, head * size + i, out, places, True)


@compiled(fastmath=FAST)
def _four(rows: np.ndarray, j: int, pitch: int, first: int) -> tuple[int, int, int, int]:
    """Return the places of the j-th and the three next rows; beyond the end the last one's."""
    last = len(rows) - 1
    a, b, c, d = rows[j], rows[min(j + 1, last)], rows[min(j + 2, last)], rows[min(j + 3, last)]
    return a * pitch + first, b * pitch + first, c * pitch + first, d * pitch + first


@compiled(fastmath=FAST)
def _pack(team: np.ndarray, x: np.ndarray, head: int, scale: float, rows: np.ndarray, columns: np.ndarray) -> None:
    """Copy the scaled features of a team's anchors to ``rows`` (16,d) and ``columns`` (d,16)."""
    for m in range(LANES):
        for i in range(x.shape[2]):
            rows[m, i] = columns[i, m] = scale * x[team[m], head, i]


@compiled(fastmath=FAST)
def _put(team: np.ndarray, size: int, values: np.ndarray, scale: float, head: int, out: np.ndarray) -> None:
    """Add values (16,d) to the rows of a team's anchors."""
    for m in range(size):
        for i in range(out.shape[2]):
            out[team[m], head, i] += scale * values[m, i]


@compiled(fastmath=FAST)
def _add_circle(lists: Any, g: int, begin: int, S: np.ndarray) -> None:
    """Add ln C to a team's logits from partner ``begin`` on."""
    log_circle, first = lists[4], lists[2][g] + begin
    if len(log_circle):
        flat, circle = S.reshape(-1), log_circle[first : first + len(S)].reshape(-1)
        for i in range(len(flat)):
            flat[i] += circle[i]


@compiled(fastmath=FAST)
def _hide(lists: Any, g: int, weights: np.ndarray) -> None:
    """Multiply the weights of a team's first pairs by their visibility."""
    visible, first, light, least = lists[5], lists[2][g], lists[7], lists[8]
    number = weights.dtype.type
    if len(visible):
        flat, rays = weights.reshape(-1), visible[first : first + len(weights)].reshape(-1)
        for i in range(len(flat)):
            flat[i] *= np.maximum(number(rays[i]) * light, least)


@compiled(fastmath=FAST)
def _raise(S: np.ndarray, highest: np.ndarray) -> None:
    """Keep each anchor's highest logit, in wide lanes; the first sixteen are exact."""
    flat = S.reshape(-1)
    for start in range(0, len(flat), WIDE):
        block = flat[start : start + WIDE]
        for i in range(len(block)):
            highest[i] = np.maximum(highest[i], block[i])
    for half in (WIDE // 2, WIDE // 4, WIDE // 8):
        for i in range(half):
            highest[i] = np.maximum(highest[i], highest[half + i])


@compiled(fastmath=FAST)
def _add(values: np.ndarray, total: np.ndarray) -> None:
    """Add wide lanes to an anchor's total (16,)."""
    for half in (WIDE // 2, WIDE // 4, WIDE // 8):
        for i in range(half):
            values[i] += values[half + i]
    for m in range(LANES):
        total[m] += values[m]


@compiled(fastmath=FAST)
def _exponentiate(S: np.ndarray, log_sum: np.ndarray) -> np.ndarray:
    """Turn logits <= log_sum (16,) into exp(S - log_sum); return their sums (16,)."""
    flat, shift = S.reshape(-1), np.empty(WIDE, S.dtype)
    sums, total = np.zeros(WIDE, S.dtype), np.zeros(LANES, S.dtype)
    for i in range(WIDE):
        shift[i] = log_sum[i % LANES]
    for start in range(0, len(flat), WIDE):
        block = flat[start : start + WIDE]
        for i in range(len(block)):
            block[i] = exponential(np.minimum(block[i] - shift[i], S.dtype.type(0)))
            sums[i] += block[i]
    _add(sums, total)
    return total


@compiled(fastmath=FAST)
def _visit(lists: Any, g: int, y: np.ndarray, head: int, bound: np.ndarray, room: Room) -> tuple[int, np.ndarray]:
    """Write a team's logits S + ln C until the others hardly count; return how many, and each anchor's highest."""
    teams, starts, partners, log_rest = lists[0], lists[2], lists[3], lists[6]
    S = room.A
    first, count = starts[g], starts[g + 1] - starts[g]
    highest = np.empty(WIDE, S.dtype)
    for i in range(WIDE):
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
        _score(partners[first + begin : first + end], y, head, room, S[begin:end])
        _add_circle(lists, g, begin, S[begin:end])
        _raise(S[begin:end], highest)
    return count, highest


@compiled(fastmath=FAST)
def _normalise(S: np.ndarray, highest: np.ndarray) -> tuple[int, np.ndarray]:
    """Turn logits into weights that sum to 1 for each anchor; return how many matter, and what ln of their sum was."""
    total = _exponentiate(S, highest)
    flat, kept = S.reshape(-1), len(S)
    dropped, group = np.zeros(LANES, S.dtype), np.zeros(WIDE, S.dtype)
    while kept > GROUP:
        block = flat[(kept - GROUP) * LANES : kept * LANES]
        for i in range(WIDE):
            group[i] = block[i]
        _add(group, dropped)
        for m in range(LANES):
            if dropped[m] > NEGLIGIBLE * total[m]:
                break
        else:
            kept -= GROUP
            continue
        break
    scale = np.empty(WIDE, S.dtype)
    for i in range(WIDE):
        scale[i] = 1 / total[i % LANES]
    for start in range(0, kept * LANES, WIDE):
        block = flat[start : min(start + WIDE, kept * LANES)]
        for i in range(len(block)):
            block[i] *= scale[i]
    for m in range(LANES):
        total[m] = highest[m] + math.log(total[m])
    return kept, total


@compiled(fastmath=FAST)
def attend(
    heads: tuple[int, int],
    lists: Any,
    features: Any,
    bound: np.ndarray,
    output: np.ndarray,
    log_sum: np.ndarray,
    kept: np.ndarray,
) -> None:
    """Add O (Eq. 9) of heads from the first of ``heads`` up to the second to ``output`` (R,heads,d).

    Write the logarithm of each anchor's sum to ``log_sum`` (R,heads) and how many partners of each team the backward
    pass has to visit to ``kept`` (G,heads). ``features``: (of the anchors, of the others, V), that is (K,Q,V) by keys,
    (Q,K,V) by queries. ``bound`` (R,heads): no logit of an anchor is higher.
    """
    room = _make_room(lists[10], output)
    for strip in range(0, len(kept), STRIP):
        for head in range(heads[0], heads[1]):
            for g in range(strip, min(strip + STRIP, len(kept))):
                kept[g, head] = _attend_team(lists, features, bound, g, head, room, output, log_sum)


@compiled(fastmath=FAST)
def _attend_team(
    lists: Any, features: Any, bound: np.ndarray, g: int, head: int, room: Room, output: np.ndarray, log_sum: np.ndarray
) -> int:
    team, size, first, partners = lists[0][g], lists[1][g], lists[2][g], lists[3]
    scale, by_keys = lists[9], lists[11]
    anchors, others, V = features
    _pack(team, anchors, head, scale, room.X, room.columns)
    count, highest = _visit(lists, g, others, head, bound, room)
    count, sums = _normalise(room.A[:count], highest)
    for m in range(size):
        log_sum[team[m], head] = sums[m]
    A, mine = room.A[:count], partners[first : first + count]
    _drop(A, size)
    _hide(lists, g, A)
    if by_keys:
        _pack(team, V, head, scale / scale, room.V, room.columns)
        _spread(mine, A, room.V, room.numbers, head, output)
    else:
        _collect(mine, A, V, head, room.V)
        _put(team, size, room.V, scale / scale, head, output)
    return count


@compiled(fastmath=FAST)
def attend_backward(
    heads: tuple[int, int], lists: Any, features: Any, log_sum: np.ndarray, kept: np.ndarray, gradients: Any
) -> None:
    """Add to the gradients of (anchors, others, V), each (R,heads,d), of heads from the first up to the second.

    ``features``: (K,Q,V,dO) by keys, (Q,K,dO,V) by queries.
    """
    room = _make_room(lists[10], features[0])
    for strip in range(0, len(kept), STRIP):
        for head in range(heads[0], heads[1]):
            for g in range(strip, min(strip + STRIP, len(kept))):
                _differentiate_team(lists, features, log_sum, kept[g, head], g, head, room, gradients)


@compiled(fastmath=FAST)
def _differentiate_team(
    lists: Any, features: Any, log_sum: np.ndarray, count: int, g: int, head: int, room: Room, gradients: Any
) -> None:
    team, size, first, partners = lists[0][g], lists[1][g], lists[2][g], lists[3]
    scale, by_keys = lists[9], lists[11]
    anchors, others, of_anchors, of_others = features
    d_anchors, d_others, d_values = gradients
    A, G, mine = room.A[:count], room.G[:count], partners[first : first + count]
    _pack(team, of_anchors, head, scale / scale, room.V, room.columns)
    _score(mine, of_others, head, room, G)
    _hide(lists, g, G)
    _pack(team, anchors, head, scale, room.X, room.columns)
    _score(mine, others, head, room, A)
    _recall(lists, g, head, log_sum, A)
    _drop(A, size)
    _differentiate(A, G)
    _spread(mine, G, room.X, room.numbers, head, d_others)
    _collect(mine, G, others, head, room.X)
    _put(team, size, room.X, scale, head, d_anchors)
    _hide(lists, g, A)
    if by_keys:
        _collect(mine, A, of_others, head, room.V)
        _put(team, size, room.V, scale / scale, head, d_values)
    else:
        _spread(mine, A, room.V, room.numbers, head, d_values)


@compiled(fastmath=FAST)
def _recall(lists: Any, g: int, head: int, log_sum: np.ndarray, S: np.ndarray) -> None:
    """Turn a team's logits S, still without ln C, into the forward pass's weights A."""
    teams = lists[0]
    sums = np.empty(LANES, S.dtype)
    for m in range(LANES):
        sums[m] = log_sum[teams[g, m], head]
    _add_circle(lists, g, 0, S)
    _exponentiate(S, sums)


@compiled(fastmath=FAST)
def _differentiate(A: np.ndarray, G: np.ndarray) -> None:
    """Turn G = M <V, dO> into dS = A (G - delta), delta = sum A G; by keys delta is <V_k, dV_k>."""
    weights, gradients = A.reshape(-1), G.reshape(-1)
    wide, delta = np.zeros(WIDE, A.dtype), np.zeros(LANES, A.dtype)
    for start in range(0, len(weights), WIDE):
        a, g = weights[start : start + WIDE], gradients[start : start + WIDE]
        for i in range(len(a)):
            wide[i] += a[i] * g[i]
    _add(wide, delta)
    for i in range(WIDE):
        wide[i] = delta[i % LANES]
    for start in range(0, len(weights), WIDE):
        a, g = weights[start : start + WIDE], gradients[start : start + WIDE]
        for i in range(len(a)):
            g[i] = a[i] * (g[i] - wide[i])


@compiled
def _drop(weights: np.ndarray, size: int) -> None:
    """Take away the weights of the repeated anchors of a small team."""
    for j in range(len(weights) if size < LANES else 0):
        for m in range(size, LANES):
            weights[j, m] = 0.0
