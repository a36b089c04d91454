"""Brings a photograph to the exposure of another one."""

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedDataError


def match_channels(image: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each channel of ``image`` the mean of ``target``'s by one gain, then clip; (H,W,3) display-encoded, [0,1].

    Source: BokehDiff's released evaluation on EBB. Raises DamagedDataError for a black picture.
    """
    return _gained(image, target.mean(axis=(0, 1), dtype=np.float64) / _means(image))


def match_brightness(image: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give ``image`` the mean of ``target`` over all channels by one gain, then clip; otherwise as match_channels."""
    _means(image)
    return _gained(image, target.mean(dtype=np.float64) / image.mean(dtype=np.float64))


def _means(image: NDArray[np.float32]) -> NDArray[np.float64]:
    means = image.mean(axis=(0, 1), dtype=np.float64)
    if float(means.min()) <= 0.0:
        raise DamagedDataError("exposure: a channel of the input is black everywhere: it cannot be brought to a mean")
    return means


def _gained(image: NDArray[np.float32], gain: NDArray[np.float64] | np.floating) -> NDArray[np.float32]:
    return np.clip(image * np.asarray(gain, np.float32), 0.0, 1.0)
