"""Unions of discs of many radii, compiled: which pixels something within its own reach of them touches."""

import numpy as np
from numpy.typing import NDArray

from ...core.compiled import compiled


@compiled
def count_disc(steps: NDArray[np.int32], y: int, x: int, radius_px: float) -> None:
    """Count the runs of the disc around (y, x) in ``steps``, (H,W+1): up at a run's first pixel, down behind its last.

    A pixel is covered where the counts of its row up to it do not cancel.
    """
    height, width = steps.shape[0], steps.shape[1] - 1
    radius = min(float(radius_px), float(height + width))  # that covers everything; more, or inf, is no integer
    reach, squared = int(radius), radius**2
    for row in range(max(y - reach, 0), min(y + reach, height - 1) + 1):
        half = int(np.sqrt(squared - (row - y) ** 2))
        steps[row, max(x - half, 0)] += 1
        steps[row, min(x + half + 1, width)] -= 1


@compiled
def cover(centres: NDArray[np.bool_], radius_px: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the union of discs around ``centres``, each with its own radius; all (H,W), C-contiguous."""
    height, width = centres.shape
    steps = np.zeros((height, width + 1), np.int32)
    for y in range(height):
        for x in range(width):
            if centres[y, x]:
                count_disc(steps, y, x, radius_px[y, x])
    return find_covered(steps)


@compiled
def find_covered(steps: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels (H,W) that discs counted in ``steps`` cover."""
    height, width = steps.shape[0], steps.shape[1] - 1
    covered = np.empty((height, width), np.bool_)
    for y in range(height):
        discs = 0
        for x in range(width):
            discs += steps[y, x]
            covered[y, x] = discs > 0
    return covered
