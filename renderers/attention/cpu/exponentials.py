"""Exponentials of float32 in operations that vectorise, which those of ``math`` do not; float64 takes the latter."""

import math
from typing import Any

import numba
import numpy as np
from numba.extending import overload

FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be reordered into vectors; infinities and NaN keep their meaning."""


def exponential(x: Any) -> Any:
    """Return exp(x) for x <= 0."""
    return math.exp(x)


@overload(exponential)
def _compile_exponential(x: Any) -> Any:
    def exponential_float64(x: Any) -> Any:
        return math.exp(x)

    log2_e, ln2_high, ln2_low = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
    c2, c3, c4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
    c5, c6, c7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
    one, half, lowest = np.float32(1.0), np.float32(0.5), np.float32(-60.0)

    def exponential_float32(x: Any) -> Any:
        """Cephes' expf, relative error 1e-7, in operations that vectorise (math.exp does not)."""
        x = np.maximum(x, lowest)
        n = np.floor(x * log2_e + half)
        r = (x - n * ln2_high) - n * ln2_low
        series = ((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2
        power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
        return (series * r * r + r + one) * power

    return exponential_float32 if x == numba.float32 else exponential_float64


def log_one_plus(u: Any) -> Any:
    """Return ln(1 + u) for 0 <= u <= 1."""
    return math.log1p(u)


@overload(log_one_plus)
def _compile_log_one_plus(u: Any) -> Any:
    def log_one_plus_float64(u: Any) -> Any:
        return math.log1p(u)

    two, least = np.float32(2.0), np.float32(1e-15)
    c1, c3, c5, c7, c9, c11, c13 = (np.float32(2.0 / n) for n in range(1, 15, 2))

    def log_one_plus_float32(u: Any) -> Any:
        """2 artanh(u / (2 + u)) as a series, relative error 2e-7."""
        s = u / (two + u)
        z = np.maximum(s, least) * np.maximum(s, least)  # no denormal number, each of which takes a hundred cycles
        return s * ((((((c13 * z + c11) * z + c9) * z + c7) * z + c5) * z + c3) * z + c1)

    return log_one_plus_float32 if u == numba.float32 else log_one_plus_float64
