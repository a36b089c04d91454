"""The definition of the alignment of depth edges with outlines: slow, with whole filtered maps; for tests."""

import cv2
import numpy as np

from .alignment import CELL_PX, MOVES_PX, Alignment, FloatArray, colour_gradient, edge_threshold, move_in_steps


def measure_alignment_by_filters(picture: FloatArray, disparity: FloatArray) -> Alignment:
    """Do what ``alignment.measure_alignment`` does, pixel by pixel, after filtering each moved map as a whole."""
    across, down = colour_gradient(picture)
    shape = (len(MOVES_PX), *(-(-side // CELL_PX) for side in disparity.shape))
    found = Alignment(*(np.zeros(shape, np.float32) for _ in range(3)))
    for n, moved in enumerate(move_in_steps(disparity)):
        dx, dy = (cv2.Sobel(moved, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
        steep = np.hypot(dx, dy)
        steep[[0, -1]], steep[:, [0, -1]] = 0.0, 0.0
        for y, x in np.argwhere(steep > edge_threshold(disparity)):
            normal = np.array([dx[y, x], dy[y, x]]) / steep[y, x]
            change = np.log1p(np.linalg.norm(across[y, x] * normal[0] + down[y, x] * normal[1]))
            cell = (n, y // CELL_PX, x // CELL_PX)
            found.count[cell] += 1.0
            found.total[cell] += change
            found.squares[cell] += change**2
    return found
