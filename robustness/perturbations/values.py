"""Errors of how near things are: noise, quantisation, affine error, holes. Severities are % of range or area."""

import numpy as np

from .interface import Map, Perturbation
from .smooth_noise import smooth_noise

BLOBS_PER_WIDTH = 16
"""Smooth noise and holes have features of about 1/16 of the map's longer side."""


def add_noise(disparity: Map, percent: float, rng: np.random.Generator) -> Map:
    """Add independent Gaussian noise with this standard deviation."""
    return disparity + _amplitude(disparity, percent) * rng.standard_normal(disparity.shape, np.float32)


def add_smooth_noise(disparity: Map, percent: float, rng: np.random.Generator) -> Map:
    """Add Gaussian noise that varies smoothly, with this standard deviation."""
    return disparity + _amplitude(disparity, percent) * smooth_noise(disparity.shape, rng, BLOBS_PER_WIDTH)


def quantise(disparity: Map, percent: float, rng: np.random.Generator) -> Map:
    """Round to steps of this size, counted from the farthest value: 0.4 % is an 8-bit map, 25 % has five levels."""
    step = _amplitude(disparity, percent)
    if step == 0.0:
        return disparity
    lowest = disparity.min()
    return lowest + np.round((disparity - lowest) / step) * step


def scale(disparity: Map, percent: float, rng: np.random.Generator) -> Map:
    """Stretch about the middle of the range, clipped to it: a monocular estimate with a wrong affine fit."""
    middle = (disparity.min() + disparity.max()) / 2.0
    return middle + (1.0 + percent / 100.0) * (disparity - middle)


def punch_holes(disparity: Map, percent: float, rng: np.random.Generator) -> Map:
    """Set blobs that cover this part of the map to the farthest value, as a stereo matcher that writes 0."""
    noise = smooth_noise(disparity.shape, rng, BLOBS_PER_WIDTH)
    return np.where(noise < np.quantile(noise, percent / 100.0), disparity.min(), disparity)


def _amplitude(disparity: Map, percent: float) -> float:
    return float(disparity.max() - disparity.min()) * percent / 100.0


NOISE = Perturbation(name="noise", unit="%", severities=(0, 1, 2, 5, 10, 20), change_disparity=add_noise, maximum=100)
NOISE_SMOOTH = Perturbation(
    name="noise-smooth", unit="%", severities=(0, 1, 2, 5, 10, 20), change_disparity=add_smooth_noise, maximum=100
)
QUANTISE = Perturbation(
    name="quantise", unit="%", severities=(0, 0.4, 2, 5, 10, 25), change_disparity=quantise, maximum=100
)
SCALE = Perturbation(
    name="scale",
    unit="%",
    severities=(-40, -20, -10, 0, 10, 20, 40),
    change_disparity=scale,
    signed=True,
    maximum=100,
    directions=("the range is squeezed", "the range is stretched and clipped"),
)
HOLES = Perturbation(name="holes", unit="%", severities=(0, 1, 2, 5, 10, 20), change_disparity=punch_holes, maximum=100)
