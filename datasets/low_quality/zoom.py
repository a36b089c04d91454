"""Digital zoom: what a picture looks like that was cut out of a larger one and enlarged to the same frame.

``zoom(picture, factor, rng)``: the lens's blur, the coarser grid of pixels, noise, JPEG, enlargement. Strengths depend
on the factor alone, the noise on ``rng``; at factor 1 the picture stays as it is, and every strength is 0 there.
"""

import math

import cv2
import numpy as np

from .steps import Picture, compress_jpeg, resize, round_to_8_bits

LENS_BLUR_PX = 0.5
"""Standard deviation of the blur that the clean picture has already; enlarged with the picture it is ``factor`` times
that, and the difference of the two is applied."""

LARGEST_FACTOR = 8.0
"""Where noise has ``NOISE_LEVELS`` and JPEG its worst quality; beyond it the noise alone grows on."""

NOISE_LEVELS = 10.0
"""Standard deviation of the noise at the largest factor, of 255 levels."""

BEST_QUALITY, WORST_QUALITY = 95, 60
"""JPEG's, at factor 1 and at the largest."""


def zoom(picture: Picture, factor: float, rng: np.random.Generator) -> Picture:
    """Return the picture as a digital zoom by ``factor`` >= 1 delivers it: same frame, same size, 8 bits.

    1. Gaussian blur, standard deviation ``LENS_BLUR_PX`` sqrt(factor^2 - 1) px;
    2. averaged over ``factor`` x ``factor`` px (area), to round(H / factor) x round(W / factor);
    3. Gaussian noise, independent in pixels and channels, of ``noise_levels(factor)`` of 255;
    4. JPEG 4:2:0 at ``jpeg_quality(factor)``;
    5. enlarged by bicubic interpolation (a = -0.75), clipped, rounded to 8 bits.

    Values above 1, of HDR highlights, are clipped first: a camera's file has none.
    """
    if factor == 1.0:
        return picture
    height, width = picture.shape[:2]
    sigma_px = LENS_BLUR_PX * math.sqrt(factor**2 - 1.0)
    blurred = cv2.GaussianBlur(np.clip(picture, 0.0, 1.0), (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    small = resize(np.asarray(blurred, np.float32), *small_shape(height, width, factor), cv2.INTER_AREA)
    noise = np.float32(noise_levels(factor) / 255.0) * rng.standard_normal(small.shape, np.float32)
    coded = compress_jpeg(small + noise, jpeg_quality(factor))
    return round_to_8_bits(resize(coded, height, width, cv2.INTER_CUBIC))


def drop_resolution(disparity: Picture, factor: float) -> Picture:
    """Return a map (H,W) of 1/``factor`` of the resolution, averaged over area and enlarged bilinearly."""
    height, width = disparity.shape
    return resize(
        resize(disparity, *small_shape(height, width, factor), cv2.INTER_AREA), height, width, cv2.INTER_LINEAR
    )


def small_shape(height: int, width: int, factor: float) -> tuple[int, int]:
    """Return rows and columns before the enlargement."""
    return max(round(height / factor), 1), max(round(width / factor), 1)


def noise_levels(factor: float) -> float:
    """Return the noise's standard deviation of 255 levels: linear, from 0 at factor 1."""
    return NOISE_LEVELS * (factor - 1.0) / (LARGEST_FACTOR - 1.0)


def jpeg_quality(factor: float) -> int:
    """Return JPEG's quality: linear in the factor, rounded; beyond the largest factor it stays the worst."""
    share = min((factor - 1.0) / (LARGEST_FACTOR - 1.0), 1.0)
    return round(BEST_QUALITY - share * (BEST_QUALITY - WORST_QUALITY))
