"""A filter that smooths values but not across the picture's edges: the guided filter.

Source: He, Sun, Tang, Guided Image Filtering, ECCV 2010, equations 19 to 21 (a guide in colour).
"""

import cv2
import numpy as np

from .alignment import FloatArray


class GuidedFilter:
    """Makes values locally linear in the colours of ``guide``, (H,W,3) float32, in windows of 2 ``radius_px`` + 1 px.

    ``variance``: of colour below which a window counts as plain, where values are averaged.
    """

    def __init__(self, guide: FloatArray, radius_px: int, variance: float):
        self._size = (2 * radius_px + 1, 2 * radius_px + 1)
        self._guide = guide
        self._mean = self._average(guide)
        red, green, blue = (guide[..., c] for c in range(3))
        products = np.dstack([red * red, red * green, red * blue, green * green, green * blue, blue * blue])
        mr, mg, mb = (self._mean[..., c] for c in range(3))
        means = np.dstack([mr * mr, mr * mg, mr * mb, mg * mg, mg * mb, mb * mb])
        self._inverse = _invert(self._average(products) - means, np.float32(variance))

    def __call__(self, values: FloatArray) -> FloatArray:
        """Smooth values, (H,W) float32."""
        mean = self._average(values)
        covariance = self._average(self._guide * values[..., None]) - self._mean * mean[..., None]
        rr, rg, rb, gg, gb, bb = (self._inverse[..., c] for c in range(6))
        r, g, b = (covariance[..., c] for c in range(3))
        slope = np.dstack([rr * r + rg * g + rb * b, rg * r + gg * g + gb * b, rb * r + gb * g + bb * b])
        offset = mean - (slope * self._mean).sum(axis=2)
        return (self._average(slope) * self._guide).sum(axis=2) + self._average(offset)

    def _average(self, values: FloatArray) -> FloatArray:
        return np.asarray(cv2.blur(values, self._size), np.float32)


def _invert(matrices: FloatArray, added: np.float32) -> FloatArray:
    """Invert symmetric 3x3 matrices with ``added`` on their diagonals; (H,W,6): rr, rg, rb, gg, gb, bb, both ways."""
    rr, rg, rb, gg, gb, bb = (matrices[..., c] for c in range(6))
    rr, gg, bb = rr + added, gg + added, bb + added
    minors = np.dstack(
        [
            gg * bb - gb * gb,
            rb * gb - rg * bb,
            rg * gb - rb * gg,
            rr * bb - rb * rb,
            rb * rg - rr * gb,
            rr * gg - rg * rg,
        ]
    )
    determinant = rr * minors[..., 0] + rg * minors[..., 1] + rb * minors[..., 2]
    return minors / determinant[..., None]
