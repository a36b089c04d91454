"""The specification of scatter through any aperture; the compiled kernel is compared with it."""

import math

import numpy as np
from numpy.typing import NDArray

from .aperture import FEW_SUBROWS, SHARP_PX, SMALL_PX, SUBROWS, Aperture

Floats = NDArray[np.float64]


def scatter_aperture_reference(linear: Floats, defocus: Floats, aperture: Aperture) -> Floats:
    """Spread every pixel over its spot and divide by the weight that arrives.

    The spot of a pixel of signed defocus s is the opening, cut by the barrel, times |s|, behind the focal plane; in
    front of it (s > 0) turned by half a turn. On each of a few lines in a row of pixels it covers one interval; a pixel
    gets the length of its share of these, divided by the sum over all pixels, those outside the picture included. So
    each pixel gives away its light exactly once.

    ``linear``: (3,H,W), linear light, [0,inf); ``defocus``: (H,W), px. Returns (3,H,W). Slow: for tests.
    """
    height, width = defocus.shape
    sums = np.zeros((4, height, width))
    for y in range(height):
        for x in range(width):
            reach = math.ceil(abs(defocus[y, x])) + 1
            shares = spot_shares(float(defocus[y, x]), barrel(y, x, height, width, aperture), aperture, reach)
            rows = slice(max(0, y - reach), min(height, y + reach + 1))
            columns = slice(max(0, x - reach), min(width, x + reach + 1))
            inside = shares[rows.start - y + reach : rows.stop - y + reach, columns.start - x + reach :]
            inside = inside[:, : columns.stop - columns.start]
            sums[:, rows, columns] += inside * np.append(linear[:, y, x], 1.0)[:, None, None]
    return sums[:3] / sums[3]


def barrel(y: int, x: int, height: int, width: int, aperture: Aperture) -> tuple[float, float]:
    """Return the centre (x, y) of the barrel's circle as a pixel sees it, in radii of the opening."""
    half_diagonal = 0.5 * math.hypot(height, width)
    return (
        -aperture.cat_eye * (x + 0.5 - 0.5 * width) / half_diagonal,
        -aperture.cat_eye * (y + 0.5 - 0.5 * height) / half_diagonal,
    )


def spot_shares(defocus_px: float, centre: tuple[float, float], aperture: Aperture, reach: int) -> Floats:
    """Return the shares (2 reach + 1, 2 reach + 1) of a pixel's light that the pixels around it get; sum 1."""
    shares = np.zeros((2 * reach + 1, 2 * reach + 1))
    radius, sign = abs(defocus_px), -1.0 if defocus_px > 0.0 else 1.0
    lines = SUBROWS if radius < SMALL_PX else FEW_SUBROWS
    pixels = np.arange(-reach, reach + 1)
    for dy in pixels if radius > SHARP_PX else ():
        for line in range(lines):
            v = sign * (dy - 0.5 + (line + 0.5) / lines) / radius
            left, right = opening(v, centre, aperture)
            start, end = sorted((sign * radius * left, sign * radius * right))
            if left < right:
                lengths = np.minimum(end, pixels + 0.5) - np.maximum(start, pixels - 0.5)
                shares[reach + dy] += np.maximum(lengths, 0.0)
    total = shares.sum()
    if total == 0.0:
        shares[reach, reach] = total = 1.0
    return shares / total


def opening(v: float, centre: tuple[float, float], aperture: Aperture) -> tuple[float, float]:
    """Return where the cut opening starts and ends on the line y = v; the end lies before the start where it is not."""
    half = math.sqrt(max(0.0, 1.0 - v * v))
    left, right = (-half, half) if abs(v) < 1.0 else (1.0, -1.0)
    for n_x, n_y, distance in aperture.edges:
        room = distance - n_y * v
        if abs(n_x) < 1e-9:
            left, right = (left, right) if room >= 0.0 else (1.0, -1.0)
        elif n_x > 0.0:
            right = min(right, room / n_x)
        else:
            left = max(left, room / n_x)
    if aperture.cat_eye > 0.0:
        off = v - centre[1]
        half = math.sqrt(max(0.0, 1.0 - off * off))
        left, right = (max(left, centre[0] - half), min(right, centre[0] + half)) if abs(off) < 1.0 else (1.0, -1.0)
    return left, right
