"""The two-round degradation of Real-ESRGAN, with OSEDiff's settings, which MagicBokeh most likely inherits.

``degrade(picture, scale, rng)``: blur, resizing, noise and JPEG, twice, and a sinc filter that rings, all drawn at
random. Source: Wang, Xie, Dong, Shan, "Real-ESRGAN", ICCV Workshops 2021; settings of OSEDiff's
``dataloaders/params_realesrgan.yml``, order of its ``dataloaders/realesrgan.py``. Deviations: JPEG is libjpeg's (theirs
is a differentiable one of the same tables), at whole qualities; resizing is OpenCV's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .kernels import Kernel, draw_blur_kernel, draw_sinc_kernel
from .steps import Picture, compress_jpeg, resize, round_to_8_bits

METHODS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
"""Of each resizing one is drawn; bicubic has a = -0.75."""

GAUSSIAN_SHARE = 0.5
GREY_SHARE = 0.4
QUALITIES = (30, 95)
SINC_SHARE = 0.8
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Round:
    """Ranges of one round: chances of enlarging and shrinking (else it stays), and what they lie between.

    ``noise_levels``: of 255, of Gaussian noise; ``poisson``: multiples of the noise of counted photons.
    """

    blur_share: float
    largest_sigma_px: float
    enlarging: float
    shrinking: float
    sizes: tuple[float, float]
    noise_levels: tuple[float, float]
    poisson: tuple[float, float]


FIRST = Round(1.0, 3.0, 0.2, 0.7, (0.15, 1.5), (1.0, 30.0), (0.05, 3.0))
SECOND = Round(0.8, 1.5, 0.3, 0.4, (0.3, 1.2), (1.0, 25.0), (0.05, 2.5))


def degrade(picture: Picture, scale: float, rng: np.random.Generator) -> Picture:
    """Return the picture after both rounds, resized to 1/``scale`` and back: same frame, same size, 8 bits.

    OSEDiff's ``scale`` is 4.
    """
    height, width = picture.shape[:2]
    small = int(height / scale), int(width / scale)
    degraded = _blur(np.clip(picture, 0.0, 1.0), draw_blur_kernel(rng, FIRST.largest_sigma_px))
    share = _draw_size(FIRST, rng)
    degraded = _resize(degraded, (int(height * share), int(width * share)), rng)
    degraded = _compress(_add_noise(degraded, FIRST, rng), rng)
    if rng.random() < SECOND.blur_share:
        degraded = _blur(degraded, draw_blur_kernel(rng, SECOND.largest_sigma_px))
    share = _draw_size(SECOND, rng)
    degraded = _resize(degraded, (int(height / scale * share), int(width / scale * share)), rng)
    degraded = _add_noise(degraded, SECOND, rng)
    if rng.random() < 0.5:
        degraded = _compress(_resize_and_ring(degraded, small, rng), rng)
    else:
        degraded = _resize_and_ring(_compress(degraded, rng), small, rng)
    return round_to_8_bits(_resize(degraded, (height, width), rng))


def _draw_size(one: Round, rng: np.random.Generator) -> float:
    """Draw a factor of size: an enlargement, a reduction, or 1."""
    kind = rng.random()
    if kind < one.enlarging:
        return float(rng.uniform(1.0, one.sizes[1]))
    return float(rng.uniform(one.sizes[0], 1.0)) if kind < one.enlarging + one.shrinking else 1.0


def _resize(picture: Picture, shape: tuple[int, int], rng: np.random.Generator) -> Picture:
    return resize(picture, *shape, METHODS[int(rng.integers(len(METHODS)))])


def _resize_and_ring(picture: Picture, shape: tuple[int, int], rng: np.random.Generator) -> Picture:
    resized = _resize(picture, shape, rng)
    return _blur(resized, draw_sinc_kernel(rng)) if rng.random() < SINC_SHARE else resized


def _blur(picture: Picture, kernel: Kernel) -> Picture:
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _compress(picture: Picture, rng: np.random.Generator) -> Picture:
    return compress_jpeg(picture, int(rng.integers(QUALITIES[0], QUALITIES[1] + 1)))


def _add_noise(picture: Picture, one: Round, rng: np.random.Generator) -> Picture:
    """Add Gaussian noise, or noise that grows with brightness; sometimes the same in all channels. Clipped to [0,1]."""
    gaussian, grey = rng.random() < GAUSSIAN_SHARE, rng.random() < GREY_SHARE
    shape = (*picture.shape[:2], 1 if grey else 3)
    if gaussian:
        noise = rng.uniform(*one.noise_levels) / 255.0 * rng.standard_normal(shape, np.float32)
    else:
        light = (picture @ LUMA)[..., None] if grey else picture
        noise = rng.uniform(*one.poisson) * _photon_noise(light, rng)
    return np.clip(picture + noise, 0.0, 1.0).astype(np.float32)


def _photon_noise(light: Picture, rng: np.random.Generator) -> Picture:
    """Return Poisson noise at as many photons as there are levels in the picture, rounded up to a power of two."""
    levels = round_to_8_bits(light)
    photons = 2.0 ** np.ceil(np.log2(len(np.unique(levels))))
    return (rng.poisson(levels * photons) / photons - levels).astype(np.float32)
