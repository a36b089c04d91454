"""Noise that varies smoothly over the picture: what errors of neighbouring pixels have in common."""

import numpy as np
from scipy import ndimage

from .interface import Map


def smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, features: float) -> Map:
    """Return noise of (H,W) with a standard deviation of 1; about ``features`` of its blobs span the longer side."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), max(shape) / features / 2.0, mode="reflect")
    return noise / noise.std()
