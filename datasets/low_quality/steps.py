"""What degradations of pictures are made of: random numbers, sizes, JPEG, 8 bits.

Pictures are (H,W,3) float32, display-encoded, [0,1]. Every step works on display values, as the published pipelines do.
"""

import io
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]


def random_stream(scene: str, severity: float, seed: int = 0) -> np.random.Generator:
    """Return the random numbers of one picture: the same scene, severity and seed give the same picture."""
    words = (scene, "picture", f"{severity:.12g}")
    return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in words)])


def resize(picture: Picture, height: int, width: int, method: int) -> Picture:
    """Resample to at least one pixel by an OpenCV method, ``cv2.INTER_AREA`` and so on; maps (H,W) as well."""
    return np.asarray(cv2.resize(picture, (max(width, 1), max(height, 1)), interpolation=method), np.float32)


def compress_jpeg(picture: Picture, quality: int) -> Picture:
    """Write and read a baseline JPEG: libjpeg's tables at ``quality`` in 1..95, chroma halved both ways (4:2:0)."""
    file = io.BytesIO()
    Image.fromarray(as_levels(picture)).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    file.seek(0)
    with Image.open(file) as coded:
        return np.asarray(coded, np.float32) / np.float32(255.0)


def as_levels(picture: Picture) -> NDArray[np.uint8]:
    """Clip to [0,1] and round to 8 bits."""
    return np.round(np.clip(picture, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8)


def round_to_8_bits(picture: Picture) -> Picture:
    """Return the levels of an 8-bit file as floats."""
    return as_levels(picture).astype(np.float32) / np.float32(255.0)
