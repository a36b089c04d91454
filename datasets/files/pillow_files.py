"""PNG, JPEG, WebP and BMP through Pillow; through OpenCV deep PNG that it cuts down to 8 bits: colours and alpha."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .problems import MOST_MEGAPIXELS, Problem, check_area, refusal
from .raster import Raster

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB")
PNG_MAGIC = b"\x89PNG"
PNG_DEPTH_BYTE = 24
ORIENTATION = 0x0112
CONVERTED = {"LA": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "1": "L"}
"""What Pillow's less usual modes are converted to; modes not named here nor kept become RGB."""

_ONE_AT_A_TIME = threading.Lock()
"""Python keeps warnings for all threads together."""


@contextmanager
def noted_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what Pillow warns of inside the ``with`` block, none of which is printed."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        yield noted


def open_image(path: Path, file: BinaryIO, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Open a picture of one of ``formats`` without decoding it; ``path`` names it in errors.

    Raises DamagedDataError for one that is too large, UnidentifiedImageError for one of another format.
    """
    Image.init()  # otherwise formats that no file has needed so far are a KeyError
    try:
        with noted_warnings():  # of many pixels, whose limit is below, and of damaged EXIF
            image = Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        count = re.search(r"\((\d+) pixels\)", str(error))
        size = f"{int(count[1]) // 10**6} megapixels" if count else f"over {MOST_MEGAPIXELS} megapixels"
        raise refusal(path, Problem.TOO_LARGE, size=size) from error
    check_area(path, *image.size)
    return image


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where none can be read: damaged EXIF takes nothing from the pixels."""
    try:
        with noted_warnings():
            return image.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - Pillow raises what it likes about EXIF that is damaged
        return 1


def read_with_pillow(path: Path, file: BinaryIO, formats: tuple[str, ...] = FORMATS) -> Raster:
    """Read a picture of one of ``formats``, upright by its EXIF orientation.

    Raises as ``open_image`` does, and what Pillow raises for damaged bytes.
    """
    head = file.read(PNG_DEPTH_BYTE + 1)
    if head.startswith(PNG_MAGIC):
        open_image(path, file, formats).verify()  # the check sums of the pixels, which decoding passes over
    with open_image(path, file, formats) as image:
        count = getattr(image, "n_frames", 1)
        if count > 1 and image.format in ("PNG", "WEBP"):  # the second of a JPEG file is a thumbnail or a gain map
            raise refusal(path, Problem.SEVERAL_IMAGES, count=count)
        image.load()  # refuses truncated files, which OpenCV fills up
        if head.startswith(PNG_MAGIC) and head[PNG_DEPTH_BYTE:] == b"\x10":
            if image.mode == "I;16" and "transparency" not in image.info:  # opaque greys it keeps as they are
                return Raster.of(np.asarray(image)).turned(orientation_of(image))
            return _read_deep_png(file, image)
        mode = "RGBA" if "transparency" in image.info else CONVERTED.get(image.mode, image.mode)
        if mode not in ("L", "RGB", "RGBA", "F") and not mode.startswith("I;16"):
            mode = "RGB"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
        return Raster.of(pixels).turned(orientation_of(image))


def _read_deep_png(file: BinaryIO, image: Image.Image) -> Raster:
    file.seek(0)
    pixels = _decode(file.read())
    raster = Raster.of(pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]])
    transparent = image.info.get("transparency")
    if raster.alpha is None and transparent is not None:  # OpenCV reads this of colours, not of greys
        alpha = np.where((raster.pixels == np.asarray(transparent)).all(axis=2), 0, raster.top or 1)
        raster = Raster(raster.pixels, alpha, raster.top)
    return raster.turned(orientation_of(image))


def _decode(content: bytes) -> NDArray:
    """Decode with OpenCV, which is silent about what it cannot read. Raises ValueError."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None:
        raise ValueError("the file is truncated or of an unknown kind")
    return pixels
