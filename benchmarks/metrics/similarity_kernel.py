"""SSIM on the CPU: one pass over both images, which keeps eleven rows of local moments and no map.

``structural.ssim_map`` is the plain version and defines the result.
"""

import numpy as np
from numpy.typing import NDArray

from ...core.compiled import compiled

Floats = NDArray[np.float32]

WINDOW_PX = 11
"""The window's width in px."""

FAST = {"contract", "reassoc"}


@compiled(fastmath=FAST)
def mean_similarity(first: Floats, second: Floats, weights: Floats, c1: np.float32, c2: np.float32) -> float:
    """Return the mean SSIM over channels and full windows of two (C,H,W) float32 in [0,1], H and W at least 11.

    ``weights``: (11,) float32, symmetric, their sum 1. ``c1``, ``c2``: float32, the constants of Eq. 13. Local averages
    are float32, the mean over the positions is float64.
    """
    channels, height, width = first.shape
    # Of the last eleven rows: the newest takes the oldest one's place.
    moments = np.empty((4, WINDOW_PX, width), np.float32)
    column_averages = np.empty((4, width), np.float32)
    averages = np.empty((4, width - WINDOW_PX + 1), np.float32)
    total = 0.0
    for channel in range(channels):
        for row in range(height):
            _fill_moments(first[channel, row], second[channel, row], moments, row % WINDOW_PX)
            if row < WINDOW_PX - 1:
                continue
            for moment in range(4):
                _average_columns(moments[moment], (row + 1) % WINDOW_PX, weights, column_averages[moment])
                _average_row(column_averages[moment], weights, averages[moment])
            total += _sum_similarity(averages, c1, c2)
    return total / (channels * (height - WINDOW_PX + 1) * (width - WINDOW_PX + 1))


@compiled(fastmath=FAST)
def _fill_moments(first: Floats, second: Floats, moments: Floats, place: int) -> None:
    """Write x, y, x^2 + y^2 and xy of one row each."""
    x_row, y_row, squares, products = moments[0, place], moments[1, place], moments[2, place], moments[3, place]
    for column in range(first.size):
        x, y = first[column], second[column]
        x_row[column], y_row[column], squares[column], products[column] = x, y, x * x + y * y, x * y


@compiled(fastmath=FAST)
def _average_columns(rows: Floats, oldest: int, weights: Floats, averages: Floats) -> None:
    """Average each column over ``rows``, (11,W), the first of which is row ``oldest``."""
    middle = rows[(oldest + WINDOW_PX // 2) % WINDOW_PX]
    for x in range(averages.size):
        averages[x] = weights[WINDOW_PX // 2] * middle[x]
    for tap in range(WINDOW_PX // 2):
        weight, upper = weights[tap], rows[(oldest + tap) % WINDOW_PX]
        lower = rows[(oldest + WINDOW_PX - 1 - tap) % WINDOW_PX]
        for x in range(averages.size):
            averages[x] += weight * (upper[x] + lower[x])


@compiled(fastmath=FAST)
def _average_row(row: Floats, weights: Floats, averages: Floats) -> None:
    """Average a row, (W,), over the window: (W-10,). Spelt out, which takes half the time of a loop over the taps."""
    w0, w1, w2, w3, w4, w5 = weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]
    for x in range(averages.size):
        outer = w0 * (row[x] + row[x + 10]) + w1 * (row[x + 1] + row[x + 9]) + w2 * (row[x + 2] + row[x + 8])
        inner = w3 * (row[x + 3] + row[x + 7]) + w4 * (row[x + 4] + row[x + 6]) + w5 * row[x + 5]
        averages[x] = outer + inner


@compiled(fastmath=FAST)
def _sum_similarity(averages: Floats, c1: np.float32, c2: np.float32) -> float:
    """Return the sum of Eq. 13 over a row of windows."""
    means_x, means_y, squares, products = averages[0], averages[1], averages[2], averages[3]
    total = 0.0
    for column in range(averages.shape[1]):
        mean_x, mean_y = means_x[column], means_y[column]
        mean_product, mean_squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
        covariance, variances = products[column] - mean_product, squares[column] - mean_squares
        alike = (mean_product + mean_product + c1) * (covariance + covariance + c2)
        total += np.float64(alike / ((mean_squares + c1) * (variances + c2)))
    return total
