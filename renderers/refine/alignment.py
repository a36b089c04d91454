"""How well the edges of a disparity map lie on outlines of the picture, if they are moved by so many px.

A map that was eroded has its edges inside of things, one that was dilated outside. Each move is tried: near things grow
(moves above 0) or shrink, and what colour changes across the moved edges is collected in cells, so that every part of
the picture has its own answer.
"""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core.compiled import compiled
from ..classical.cpu.strips import run_strips

FloatArray = NDArray[np.float32]

REACH_PX = 12
"""Edges that are farther off are not found."""

MOVES_PX = range(-REACH_PX, REACH_PX + 1)

EDGE_SHARE = 0.075
"""Jumps of disparity over this share of the map's range are edges."""

SOBEL_GAIN = 4.0
"""What a Sobel filter gives for a jump of 1."""

CELL_PX = 8
BLUR_PX = 0.7
"""Standard deviation: outlines are a pixel or two wide, noise is narrower."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Of every move in MOVES_PX and every cell of CELL_PX x CELL_PX px: (moves, rows, columns) float32 each.

    ``count``: pixels on moved depth edges; ``total``, ``squares``: sums over them of the change of colour across the
    edge, log(1 + Lab units per 2 px), and of its square.
    """

    count: FloatArray
    total: FloatArray
    squares: FloatArray


def measure_alignment(picture: FloatArray, disparity: FloatArray, threads: int = 1) -> Alignment:
    """Try every move of a map.

    ``picture``: (H,W,3) float32, display-encoded, [0,1]; ``disparity``: (H,W) float32, larger = nearer.
    """
    across, down = colour_gradient(picture)
    shape = (len(MOVES_PX), *(-(-side // CELL_PX) for side in disparity.shape))
    found = Alignment(*(np.zeros(shape, np.float32) for _ in range(3)))
    moved = move_in_steps(disparity)
    threshold = edge_threshold(disparity)

    def collect(first: int, last: int) -> None:
        for n in range(first, last):
            collect_edges(moved[n], across, down, threshold, found.count[n], found.total[n], found.squares[n])

    run_strips(collect, [(n, n + 1) for n in range(len(MOVES_PX))], threads)
    return found


def colour_gradient(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how Lab colour changes to the right and downwards, by Sobel filters: (H,W,3) float32 each."""
    blurred = cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), BLUR_PX)
    lab = cv2.cvtColor(np.clip(blurred, 0.0, 1.0), cv2.COLOR_RGB2LAB)
    sobel = partial(cv2.Sobel, lab, cv2.CV_32F, ksize=3)
    return np.asarray(sobel(dx=1, dy=0), np.float32), np.asarray(sobel(dx=0, dy=1), np.float32)


def edge_threshold(disparity: FloatArray) -> np.float32:
    """Return the Sobel response above which a pixel lies on a depth edge."""
    return np.float32(SOBEL_GAIN * EDGE_SHARE) * (disparity.max() - disparity.min())


def move_in_steps(disparity: FloatArray) -> list[FloatArray]:
    """Return the map after every move of MOVES_PX: grown or shrunk pixel by pixel, by a cross and a square in turn.

    That is a move by an octagon: at most half a pixel from a disc at REACH_PX, and much faster.
    """
    cross, square = (cv2.getStructuringElement(shape, (3, 3)) for shape in (cv2.MORPH_CROSS, cv2.MORPH_RECT))
    grown, shrunk = [disparity], [disparity]
    for step in range(REACH_PX):
        element = square if step % 5 in (1, 3) else cross  # two of five: an octagon with sides of nearly one length
        grown.append(np.asarray(cv2.dilate(grown[-1], element), np.float32))
        shrunk.append(np.asarray(cv2.erode(shrunk[-1], element), np.float32))
    return [*shrunk[:0:-1], *grown]


@compiled
def collect_edges(
    moved: FloatArray,
    across: FloatArray,
    down: FloatArray,
    threshold: float,
    count: FloatArray,
    total: FloatArray,
    squares: FloatArray,
) -> None:
    """Add up, in cells, the change of colour across the edges of one moved map; the picture's rim does not count."""
    height, width = moved.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            right = moved[y - 1, x + 1] + np.float32(2) * moved[y, x + 1] + moved[y + 1, x + 1]
            left = moved[y - 1, x - 1] + np.float32(2) * moved[y, x - 1] + moved[y + 1, x - 1]
            below = moved[y + 1, x - 1] + np.float32(2) * moved[y + 1, x] + moved[y + 1, x + 1]
            above = moved[y - 1, x - 1] + np.float32(2) * moved[y - 1, x] + moved[y - 1, x + 1]
            dx, dy = right - left, below - above
            steepness = dx * dx + dy * dy
            if steepness <= threshold * threshold:
                continue
            crossing = np.float32(0)
            for c in range(3):
                crossing += (across[y, x, c] * dx + down[y, x, c] * dy) ** 2
            change = np.float32(np.log1p(np.sqrt(crossing / steepness)))
            count[y // CELL_PX, x // CELL_PX] += np.float32(1)
            total[y // CELL_PX, x // CELL_PX] += change
            squares[y // CELL_PX, x // CELL_PX] += change * change
