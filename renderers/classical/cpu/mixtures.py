"""Which pixels at depth edges are mixtures already in the disparity, and so tell nothing sure about either surface."""

import numpy as np
from numpy.typing import NDArray

from ....core.compiled import compiled
from ..surfaces import FloatArray

ANCHOR, MIXED, THIN = np.uint8(0), np.uint8(1), np.uint8(2)

MIN_SUPPORT = 5
"""Pixels of one disparity in a 5x5 window below which a local extreme is taken for a strand thinner than a pixel."""


@compiled
def mark_mixtures(
    disparity: FloatArray,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    jump: np.float32,
    kinds: NDArray[np.integer],
) -> None:
    """Mark those of the pixels (rows, columns) that have both a nearer and a farther neighbour.

    Local extremes with too few pixels of their disparity around them are mixtures, too.
    """
    half = np.float32(0.5) * jump
    for n in range(len(rows)):
        y, x = rows[n], columns[n]
        above = below = False
        support = 0
        for j in range(max(y - 2, 0), min(y + 3, disparity.shape[0])):
            for i in range(max(x - 2, 0), min(x + 3, disparity.shape[1])):
                nearer = disparity[j, i] - disparity[y, x]
                support += abs(nearer) < half
                if abs(j - y) <= 1 and abs(i - x) <= 1:
                    above |= nearer > half
                    below |= -nearer > half
        if above and below:
            kinds[y, x] = MIXED
        elif support < MIN_SUPPORT:
            kinds[y, x] = THIN
