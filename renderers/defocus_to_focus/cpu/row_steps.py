"""A disc as the steps of its rows: where a weight differs from the next one along x.

Inside a disc all weights are alike, so a row of any length has few steps: blurring by steps and adding up along x costs
the rows and the rim, not the area.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALIKE = 1e-5
"""Weights this near 0 or the largest, in shares of their sum, are taken for it: moves less than 7e-5 of the light."""


@dataclass(frozen=True, eq=False)
class RowSteps:
    """A kernel (2r+1,2r+1) that is symmetric in both axes, by its rows 0 to r from the middle.

    ``rows`` (r+1,r+1): each row's weights from the middle outwards, sum of the whole kernel 1. ``begins`` (r+2,): where
    row dy's steps begin in ``offsets`` and ``sizes``: weight at dx = offset less that at dx + 1, offset >= 0.
    """

    rows: NDArray[np.float32]
    begins: NDArray[np.int32]
    offsets: NDArray[np.int32]
    sizes: NDArray[np.float32]

    @property
    def reach(self) -> int:
        """The radius r, whole px."""
        return len(self.rows) - 1


def find_steps(kernel: NDArray[np.float32]) -> RowSteps:
    """Return the steps of a symmetric kernel (k,k), k odd, sum 1."""
    weights = kernel.astype(np.float64) / float(kernel.max())
    near = ALIKE * float(weights.sum())
    weights[weights > 1.0 - near] = 1.0
    weights[weights < near] = 0.0
    reach = len(kernel) // 2
    rows = (weights / weights.sum())[reach:, reach:]
    steps = rows - np.pad(rows, ((0, 0), (0, 1)))[:, 1:]
    lines, offsets = np.nonzero(steps)
    begins = np.searchsorted(lines, np.arange(reach + 2))
    sizes = steps[lines, offsets]
    return RowSteps(
        np.ascontiguousarray(rows, np.float32),
        begins.astype(np.int32),
        offsets.astype(np.int32),
        sizes.astype(np.float32),
    )
