"""By how many px each part of a disparity map is moved, if at all, and the moved map."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .alignment import CELL_PX, MOVES_PX, REACH_PX, Alignment, FloatArray

SPREAD_PX = 16.0
"""Standard deviation of the window within which edges count as off by the same amount."""

SHARED_PX = 60.0
"""Weight of the whole picture's edges beside a window's, in px of edge: errors mostly have one cause."""

LEAST_GAIN, LEAST_SIGMAS = 0.3, 2.0
"""A move must improve the mean change of colour (log units) by this much, and by this many standard errors."""

RUN_PX = 6.0
"""Neighbours along an edge are alike: so many px count as one observation."""

LEAST_LEFT_GROWN, LEAST_LEFT_SHRUNK = 0.4, 0.75
"""Share of a window's edges that a move must leave: growing things merge, but shrinking ones are not to vanish."""

NEARLY_BEST = 0.92
"""The smallest move counts that has this share of the best one's gain: edges one pixel off look nearly as good."""

LEAST_EDGE_PX = 12.0
"""A window with fewer px of edge is left as it is."""


LEAST_SHARE = 0.15
"""Of the picture's depth edges: where fewer seem wrong the whole map is taken for right."""


def choose_moves(found: Alignment, shape: tuple[int, int]) -> NDArray[np.int8]:
    """Return (H,W) int8: by how many px things grow there, in MOVES_PX; 0 where the picture gives no clear answer."""
    whole = 2.0 * np.pi * (SPREAD_PX / CELL_PX) ** 2
    count, total, squares = (whole * _spread(grid) for grid in (found.count, found.total, found.squares))
    share = SHARED_PX / np.maximum(found.count.sum((1, 2)), SHARED_PX)  # of the whole picture's sums
    count, total, squares = (
        local + (share * grid.sum((1, 2)))[:, None, None]
        for local, grid in ((count, found.count), (total, found.total), (squares, found.squares))
    )
    known = np.maximum(count, 1e-6)
    mean = total / known
    variance = np.maximum(squares / known - mean**2, 0.0) * RUN_PX / known
    gain = mean - mean[REACH_PX]
    least = np.where(np.array(MOVES_PX) < 0, LEAST_LEFT_SHRUNK, LEAST_LEFT_GROWN).astype(np.float32)
    gain[count < np.maximum(least[:, None, None] * count[REACH_PX], LEAST_EDGE_PX)] = -1.0
    best = gain.max(0)
    error = np.sqrt(np.take_along_axis(variance, gain.argmax(0)[None], 0)[0] + variance[REACH_PX])
    cost = np.abs(np.array(MOVES_PX, np.float32))[:, None, None]
    smallest = np.where(gain >= NEARLY_BEST * best, cost, np.inf).argmin(0) - REACH_PX
    sure = best > np.maximum(LEAST_GAIN, LEAST_SIGMAS * error)
    moves = np.where(sure, smallest, 0).astype(np.float32)
    edges = found.count[REACH_PX]
    if edges[moves != 0].sum() < LEAST_SHARE * edges.sum():
        return np.zeros(shape, np.int8)
    return np.round(cv2.resize(moves, shape[::-1], interpolation=cv2.INTER_LINEAR)).astype(np.int8)


def move(disparity: FloatArray, moves: NDArray[np.int8]) -> FloatArray:
    """Let near things grow by ``moves`` px, shrink where it is below 0; elsewhere the map stays, to the bit."""
    moved = disparity.copy()
    for by_px in np.unique(moves):
        if by_px:
            chosen = moves == by_px
            moved[chosen] = grow(disparity, int(by_px))[chosen]
    return moved


def grow(disparity: FloatArray, by_px: int) -> FloatArray:
    """Dilate a map by an elliptical element; below 0 erode it. Outside the frame nothing counts."""
    size = 2 * abs(by_px) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray((cv2.dilate if by_px > 0 else cv2.erode)(disparity, element), np.float32)


def _spread(grid: FloatArray) -> FloatArray:
    """Average each move's cells over a window."""
    sigma = SPREAD_PX / CELL_PX
    return np.stack([cv2.GaussianBlur(one, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) for one in grid])
