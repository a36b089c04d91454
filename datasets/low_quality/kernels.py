"""Random blur kernels of Real-ESRGAN: Gaussians of several shapes, and sinc filters that ring.

Source: Wang, Xie, Dong, Shan, "Real-ESRGAN", ICCV Workshops 2021, Sections 3.1 to 3.3.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

Kernel = NDArray[np.float64]

SIZES = range(7, 22, 2)
SHAPES = ("gaussian", "generalised", "plateau")
SHAPE_SHARES = {
    ("gaussian", True): 0.45,
    ("gaussian", False): 0.25,
    ("generalised", True): 0.12,
    ("generalised", False): 0.03,
    ("plateau", True): 0.12,
    ("plateau", False): 0.03,
}
"""How often a shape is drawn, by whether it is isotropic."""

GENERALISED_BETA = (0.5, 4.0)
PLATEAU_BETA = (1.0, 2.0)
SINC_SHARE = 0.1
SMALL_SIZE = 13
"""Below it a sinc kernel cuts off at pi/3 at the lowest, else at pi/5."""


def draw_blur_kernel(rng: np.random.Generator, largest_sigma_px: float, least_sigma_px: float = 0.2) -> Kernel:
    """Draw a kernel of 7 to 21 px whose sum is 1; the standard deviations lie between the two."""
    size = int(rng.choice(SIZES))
    if rng.random() < SINC_SHARE:
        return sinc_kernel(size, float(rng.uniform(math.pi / (3 if size < SMALL_SIZE else 5), math.pi)))
    shapes = list(SHAPE_SHARES)
    shape, isotropic = shapes[int(rng.choice(len(shapes), p=list(SHAPE_SHARES.values())))]
    sigma_x, sigma_y = rng.uniform(least_sigma_px, largest_sigma_px, 2)
    angle = rng.uniform(-math.pi, math.pi)
    beta = 1.0 if shape == "gaussian" else _draw_beta(rng, GENERALISED_BETA if shape == "generalised" else PLATEAU_BETA)
    return shaped_kernel(size, shape, (sigma_x, sigma_x if isotropic else sigma_y), angle, beta)


def draw_sinc_kernel(rng: np.random.Generator) -> Kernel:
    """Draw the last filter: a sinc of 7 to 21 px that cuts off between pi/3 and pi."""
    return sinc_kernel(int(rng.choice(SIZES)), float(rng.uniform(math.pi / 3, math.pi)))


def shaped_kernel(size: int, shape: str, sigmas_px: tuple[float, float], angle: float, beta: float) -> Kernel:
    """Return exp(-q/2), exp(-q^beta / 2) or 1 / (1 + q^beta), summing to 1, with q = x^T S^-1 x.

    S: the covariance of standard deviations ``sigmas_px`` along axes turned by ``angle``.
    """
    rows, columns = _grid(size)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    q = (along / sigmas_px[0]) ** 2 + (across / sigmas_px[1]) ** 2
    kernel = 1.0 / (1.0 + q**beta) if shape == "plateau" else np.exp(-0.5 * q**beta)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> Kernel:
    """Return the ideal low pass of a circle of ``cutoff`` (radians a px) within ``size`` px: w J1(w r) / (2 pi r)."""
    rows, columns = _grid(size)
    distance = np.hypot(rows, columns)
    centre = size // 2
    distance[centre, centre] = 1.0
    kernel = cutoff * j1(cutoff * distance) / (2.0 * math.pi * distance)
    kernel[centre, centre] = cutoff**2 / (4.0 * math.pi)
    return kernel / kernel.sum()


def _draw_beta(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    """Draw from below 1 and from above with equal chances."""
    return float(rng.uniform(ends[0], 1.0) if rng.random() < 0.5 else rng.uniform(1.0, ends[1]))


def _grid(size: int) -> tuple[Kernel, Kernel]:
    half = size // 2
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    return rows, columns
