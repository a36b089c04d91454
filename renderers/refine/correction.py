"""A disparity map corrected from the picture: edges moved onto outlines, then thin parts told by their colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alignment import FloatArray, measure_alignment
from .colours import relabel
from .moves import choose_moves, move


@dataclass(frozen=True, eq=False)
class Correction:
    """A corrected map, (H,W) float32, and by how many px things were let grow where, (H,W) int8."""

    disparity: FloatArray
    moves: NDArray[np.int8]


def correct(picture: FloatArray, disparity: FloatArray, threads: int = 1) -> Correction:
    """Correct a map; where the picture gives no clear answer, or the map is right, it is what it was, to the bit.

    ``picture``: (H,W,3) float32, display-encoded, [0,1], more is cut; ``disparity``: (H,W) float32, larger = nearer.
    """
    if disparity.min() == disparity.max():
        return Correction(disparity, np.zeros(disparity.shape, np.int8))
    picture = np.clip(picture, 0.0, 1.0)
    moves = choose_moves(measure_alignment(picture, disparity, threads), disparity.shape)
    if not moves.any():
        return Correction(disparity, moves)
    return Correction(relabel(picture, move(disparity, moves), moves), moves)
