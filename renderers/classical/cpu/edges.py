"""Pixels on depth edges are mixtures: estimate coverage, foreground and background in the narrow band around them.

In the band, the nearest pixels that are surely of one surface ("anchors") on either side give depth and colour of the
foreground F and the background B. Coverage comes from the disparity where that is itself a mixture (antialiased:
alpha = (d - d_B) / (d_F - d_B)), and from the colour, alpha = (I - B).(F - B) / |F - B|^2, where it jumps hard.
What F and B leave unexplained is shared so that alpha F + (1 - alpha) B is the pixel again: in focus nothing changes.
Source: the matting equation (Porter & Duff 1984); the residual's split is its least-norm solution.
"""

import math
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ....core.compiled import compiled
from ..surfaces import NOTHING, FloatArray, Surfaces, whole_pixels
from .mixtures import ANCHOR, mark_mixtures
from .strips import run_strips, split_rows

FAR_SEARCH_PX, NEAR_SEARCH_PX = 12, 4
"""How far anchors are looked for, px. The near ones of a mixture close by: what is not connected to a nearer surface,
such as a small lamp beside a head, is no part of it."""

AVERAGE_PX = 2.0
"""Anchors up to this much farther than the nearest one share in the average colour, px."""

FOREGROUND_VARIANCE, BACKGROUND_VARIANCE = 0.01, 0.001
"""Added to the measured variances, linear light squared: few pixels of a thin foreground say little about it."""

LIKENESS_VARIANCE = 0.01
"""Where the disparity jumps hard, anchors of a pixel's own side count for more the more they look like it, linear
light squared: a pixel that looks like one of them is no mixture, however much their mean differs."""

LEAST_COVERAGE, ONE = np.float32(0.02), np.float32(1)
"""Coverage closer than this to 0 or 1 is taken for 0 or 1."""

ROUNDS = 12
"""Strands are followed for up to ROUNDS times NEAR_SEARCH_PX from where they are thick enough."""

PARTS = 16
"""Of a round, for threads to share."""

PRIOR_WEIGHT = 0.02
"""Weight of the disparity's word against the squared colour contrast, where the disparity jumps hard."""


def split_edges(picture: FloatArray, disparity: FloatArray, jump: float) -> Surfaces:
    """Separate the mixtures at depth edges; elsewhere the picture is the front surface.

    ``picture``: (H,W,3) float32, linear; ``disparity``: (H,W) float32; ``jump``: disparities closer than this are one
    surface.
    """
    surfaces = whole_pixels(picture, disparity, jump)
    kinds = np.full(disparity.shape, ANCHOR)
    rows, columns = map(np.ascontiguousarray, np.nonzero(surfaces.edges))  # one type in all rounds: compiled once
    mark_mixtures(disparity, rows, columns, np.float32(jump), kinds)
    # What is known of near surfaces grows from round to round along strands; the far ones are known from the start.
    near = (picture, disparity, kinds)
    for done in range(ROUNDS):
        pending = np.zeros(len(rows), np.bool_)
        unmix = partial(_unmix_some, picture, disparity, kinds, near, surfaces, rows, columns, pending)
        run_strips(unmix, split_rows(np.ones(len(rows)), PARTS) if len(rows) else [], torch.get_num_threads())
        coverage, depth = surfaces.front[rows, columns, 3], surfaces.front_disparity[rows, columns]
        solved = (coverage > 0.5) & (depth > disparity[rows, columns]) & (kinds[rows, columns] != ANCHOR)
        if not solved.any():
            break
        if done == 0:
            near = (picture.copy(), disparity.copy(), kinds.copy())
        at = rows[solved], columns[solved]
        near[0][at], near[1][at], near[2][at] = surfaces.front[at][:, :3], surfaces.front_disparity[at], ANCHOR
        rows, columns = rows[pending], columns[pending]
    return surfaces


def _unmix_some(
    picture: FloatArray,
    disparity: FloatArray,
    kinds: NDArray[np.integer],
    near: tuple[FloatArray, FloatArray, NDArray[np.integer]],
    surfaces: Surfaces,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    pending: NDArray[np.bool_],
    first: int,
    last: int,
) -> None:
    """Call ``_unmix`` for some of the pixels (rows, columns)."""
    _unmix(
        picture, disparity, kinds, *near, surfaces.edges, rows[first:last], columns[first:last],
        np.float32(surfaces.jump), surfaces.front, surfaces.front_disparity, surfaces.back, surfaces.back_disparity,
        pending[first:last],
    )  # fmt: skip


@compiled
def _unmix(
    picture: FloatArray,
    disparity: FloatArray,
    kinds: NDArray[np.integer],
    near_picture: FloatArray,
    near_disparity: FloatArray,
    near_kinds: NDArray[np.integer],
    edges: NDArray[np.bool_],
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    jump: float,
    front: FloatArray,
    front_disparity: FloatArray,
    back: FloatArray,
    back_disparity: FloatArray,
    pending: NDArray[np.bool_],
) -> None:
    """Separate the pixels (rows, columns); ``pending``, (n,) bool, receives which found no nearer surface yet."""
    near, far = np.empty(5, np.float32), np.empty(5, np.float32)
    for n in range(len(rows)):
        y, x = rows[n], columns[n]
        anchored = kinds[y, x] == ANCHOR
        if anchored and _has_mixed_neighbour(kinds, y, x):
            continue
        d = disparity[y, x]
        own = _side_of_jump(disparity, y, x) if anchored else 0
        if not _find_anchors(
            near_picture, near_disparity, near_kinds, edges, y, x, d, 1, jump, own, picture[y, x], near
        ):
            pending[n] = True
            continue
        if not _find_anchors(picture, disparity, kinds, edges, y, x, d, -1, jump, own, picture[y, x], far):
            continue
        alpha = min(max((d - far[3]) / (near[3] - far[3]), np.float32(0)), np.float32(1))
        if anchored:
            alpha = _coverage_of_colour(picture[y, x], near, far, alpha)
        if alpha < LEAST_COVERAGE:
            front_disparity[y, x] = d if anchored else far[3]
            continue
        _share_residual(picture[y, x], near, far, alpha, front[y, x], back[y, x])
        front_disparity[y, x] = near[3]
        back_disparity[y, x] = far[3] if alpha < ONE - LEAST_COVERAGE else NOTHING


@compiled
def _has_mixed_neighbour(kinds: NDArray[np.integer], y: int, x: int) -> bool:
    for j in range(max(y - 1, 0), min(y + 2, kinds.shape[0])):
        for i in range(max(x - 1, 0), min(x + 2, kinds.shape[1])):
            if kinds[j, i] != ANCHOR:
                return True
    return False


@compiled
def _side_of_jump(disparity: FloatArray, y: int, x: int) -> int:
    """1 on the nearer side of the jump of disparity at this pixel, -1 on the farther one."""
    up, down = np.float32(0), np.float32(0)
    for j in range(max(y - 1, 0), min(y + 2, disparity.shape[0])):
        for i in range(max(x - 1, 0), min(x + 2, disparity.shape[1])):
            up = max(up, disparity[j, i] - disparity[y, x])
            down = max(down, disparity[y, x] - disparity[j, i])
    return 1 if down > up else -1


@compiled
def _is_anchor(kinds: NDArray[np.integer], edges: NDArray[np.bool_], y: int, x: int, own_side: int) -> bool:
    return kinds[y, x] == ANCHOR and not (own_side != 0 and edges[y, x])


@compiled
def _find_anchors(
    picture: FloatArray,
    disparity: FloatArray,
    kinds: NDArray[np.integer],
    edges: NDArray[np.bool_],
    y: int,
    x: int,
    d: float,
    side: int,
    jump: float,
    own_side: int,
    colour: FloatArray,
    found: FloatArray,
) -> bool:
    """Describe the nearest surface that is nearer to the camera (side 1) or farther (-1) than disparity d.

    ``found``: (5,), receives its mean colour, disparity and variance of colour; False where there is none.
    ``own_side``: 0, or where the disparity jumps hard the side of the jump that the pixel itself is on: then its own
    surface counts on that side, and pixels beside a jump tell nothing, since they may be mixtures.
    ``colour``: (3,), the pixel's own.
    """
    best, surface, at_y, at_x = np.float32(np.inf), np.float32(0), y, x
    margin = np.float32(-0.25 if side == own_side else 0.25) * jump
    height, width = disparity.shape
    reach = NEAR_SEARCH_PX if side == 1 and own_side == 0 else FAR_SEARCH_PX
    for ring in range(reach + 1):
        if ring * ring > best:
            break
        for j in range(max(y - ring, 0), min(y + ring + 1, height)):
            across = 1 if abs(j - y) == ring else 2 * ring  # a ring's upper and lower rows are whole
            for i in range(x - ring, x + ring + 1, across):
                if (
                    0 <= i < width
                    and side * (disparity[j, i] - d) > margin
                    and _is_anchor(kinds, edges, j, i, own_side)
                ):
                    distance = np.float32((j - y) * (j - y) + (i - x) * (i - x))
                    first = j < at_y or (j == at_y and i < at_x)
                    if distance < best or (distance == best and first):
                        best, surface, at_y, at_x = distance, disparity[j, i], j, i
    if not best < np.inf:
        return False
    alike = side == own_side
    _average_anchors(picture, disparity, kinds, edges, y, x, surface, best, jump, own_side, alike, colour, found)
    return True


@compiled
def _average_anchors(
    picture: FloatArray,
    disparity: FloatArray,
    kinds: NDArray[np.integer],
    edges: NDArray[np.bool_],
    y: int,
    x: int,
    surface: int,
    nearest: float,
    jump: float,
    own_side: int,
    alike: bool,
    colour: FloatArray,
    found: FloatArray,
) -> None:
    """Average the anchors of disparity ``surface`` around (y, x); ``nearest``: squared distance of the first one.

    ``alike``: those that look like ``colour`` count for more.
    """
    limit = (np.float32(math.sqrt(nearest)) + np.float32(AVERAGE_PX)) ** 2
    reach = int(math.sqrt(limit))
    total = np.float32(0)
    found[:] = 0
    for j in range(max(y - reach, 0), min(y + reach + 1, disparity.shape[0])):
        for i in range(max(x - reach, 0), min(x + reach + 1, disparity.shape[1])):
            distance = np.float32((j - y) * (j - y) + (i - x) * (i - x))
            same = distance <= limit and abs(disparity[j, i] - surface) < np.float32(0.5) * jump
            if same and _is_anchor(kinds, edges, j, i, own_side):
                weight = np.float32(1) / (np.float32(1) + distance)
                if alike:
                    weight /= np.float32(LIKENESS_VARIANCE) + _squared_distance(picture[j, i], colour)
                for c in range(3):
                    found[c] += weight * picture[j, i, c]
                    found[4] += weight * picture[j, i, c] ** 2
                found[3] += weight * disparity[j, i]
                total += weight
    for c in range(5):
        found[c] /= total
    found[4] = max(found[4] - found[0] ** 2 - found[1] ** 2 - found[2] ** 2, np.float32(0))


@compiled
def _squared_distance(one: FloatArray, other: FloatArray) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2


@compiled
def _coverage_of_colour(colour: FloatArray, near: FloatArray, far: FloatArray, prior: float) -> float:
    projection, contrast = np.float32(0), np.float32(0)
    for c in range(3):
        projection += (colour[c] - far[c]) * (near[c] - far[c])
        contrast += (near[c] - far[c]) ** 2
    # Where either colour varies, the nearest anchors tell less about this pixel's F and B.
    weight = np.float32(PRIOR_WEIGHT) + near[4] + far[4]
    return min(max((projection + weight * prior) / (contrast + weight), np.float32(0)), np.float32(1))


@compiled
def _share_residual(
    colour: FloatArray, near: FloatArray, far: FloatArray, alpha: float, front: FloatArray, back: FloatArray
) -> None:
    """Where the colours vary more, more of what the mixture does not explain goes: the most likely F and B >= 0."""
    near_share = alpha * (near[4] + np.float32(FOREGROUND_VARIANCE))
    far_share = (1 - alpha) * (far[4] + np.float32(BACKGROUND_VARIANCE))
    scale = np.float32(1) / (alpha * near_share + (1 - alpha) * far_share)
    for c in range(3):
        residual = scale * (colour[c] - alpha * near[c] - (1 - alpha) * far[c])
        front[c], back[c] = near[c] + near_share * residual, far[c] + far_share * residual
        if front[c] < 0:  # then the other one alone explains the pixel
            front[c], back[c] = 0, colour[c] / max(1 - alpha, LEAST_COVERAGE)
        elif back[c] < 0:
            front[c], back[c] = colour[c] / alpha, 0
    front[3] = alpha
