"""Users' pictures: common formats at their full bit depth, turned upright, checked."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.optics import GAMMA
from .kinds import decode
from .problems import Problem, check_finite, refusal


def read_picture(path: Path, gamma: float = GAMMA) -> NDArray[np.float32]:
    """Read a photograph as (H,W,3) float32, display-encoded, [0,1]; upright by its EXIF orientation.

    Whole numbers are scaled to [0,1] by the largest of their type; floats in TIFF and NumPy files are display-encoded
    and lie in [0,1]. OpenEXR files hold linear light, are encoded with ``gamma`` and may exceed 1. Grey pictures get
    equal channels. Raises MissingDataError for an absent file; DamagedDataError for one that cannot be read, holds
    values that are not finite or out of range, transparency, or neither 1, 3 nor 4 channels.
    """
    raster = decode(path, "picture")
    if raster.pixels.dtype.kind == "i":
        raise refusal(path, Problem.SIGNED_PICTURE, found=raster.pixels.dtype)
    pixels = raster.scaled(path)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise refusal(path, Problem.NO_PICTURE, shape=raster.shape)
    raster.require_opaque(path)
    if raster.top is None:
        check_finite(path, pixels, "repair it")
    if raster.linear:
        pixels = np.maximum(pixels, 0.0) ** np.float32(1.0 / gamma)
    else:
        low, high = float(pixels.min()), float(pixels.max())
        if low < 0.0 or high > 1.0:
            raise refusal(path, Problem.OUTSIDE_DISPLAY, low=low, high=high)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), np.float32)


def as_tensor(picture: NDArray[np.float32]) -> torch.Tensor:
    """Return (H,W,C) as (C,H,W)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
