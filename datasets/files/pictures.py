"""Users' picture files: common formats at their full bit depth, turned upright, checked."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ...core.errors import DamagedDataError, MissingDataError
from ...core.optics import GAMMA
from .exr import read_exr

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".npy", ".webp", ".bmp")
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG_MAGIC = b"\x89PNG"
PNG_DEPTH_BYTE = 24
GREY_TOLERANCE = 2.0 / 255.0
"""How far the channels of a grey map stored as a colour JPEG may lie apart."""

DEEP_PALETTES = {"LA": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "1": "L"}
"""What Pillow's less usual modes are converted to; modes not named here nor kept become RGB."""


def read_picture(path: Path, gamma: float = GAMMA) -> NDArray[np.float32]:
    """Read a photograph as (H,W,3) float32, display-encoded, [0,1]; upright by its EXIF orientation.

    8- and 16-bit integers are scaled to [0,1]; floats in TIFF and NumPy files are display-encoded and lie in [0,1].
    OpenEXR files hold linear light, are encoded with ``gamma`` and may exceed 1. Grey pictures get equal channels.
    Raises MissingDataError for an absent file; DamagedDataError for one that cannot be read, holds values that are not
    finite or out of range, transparency, or neither 1, 3 nor 4 channels.
    """
    pixels = _scaled(_decode(path), path)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or 0 in pixels.shape:
        raise DamagedDataError(f"{path}: expected a picture (height, width, 3), got {_shape(pixels)}")
    if pixels.shape[2] in (2, 4):
        if float(pixels[..., -1].min()) < 1.0:
            raise DamagedDataError(f"{path}: expected an opaque picture, this one is transparent: flatten it")
        pixels = pixels[..., :-1]
    if not np.isfinite(pixels).all():
        raise DamagedDataError(f"{path}: holds NaN or infinite values")
    if path.suffix.lower() == ".exr":
        pixels = np.maximum(pixels, 0.0) ** np.float32(1.0 / gamma)
    elif float(pixels.min()) < 0.0 or float(pixels.max()) > 1.0:
        span = f"[{float(pixels.min()):g}, {float(pixels.max()):g}]"
        raise DamagedDataError(f"{path}: expected display values in [0, 1], got {span}: scale them, or use OpenEXR")
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), np.float32)


def read_disparity(path: Path) -> NDArray[np.float32]:
    """Read a map as (H,W) float32: floats as stored, integers scaled to [0,1]; larger = nearer is taken for granted.

    Raises MissingDataError for an absent file; DamagedDataError for one that cannot be read, is no map (several
    differing channels: a colour-mapped picture is no disparity), is constant, or holds values that are not finite.
    """
    pixels = _scaled(_decode(path), path)
    if pixels.ndim == 3 and pixels.shape[0] == 1 and pixels.shape[2] != 1:
        pixels = pixels[0]
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
    if pixels.ndim == 3 and pixels.shape[2] == 3 and float(np.ptp(pixels, axis=2).max()) <= GREY_TOLERANCE:
        pixels = pixels[..., :1]
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise DamagedDataError(f"{path}: expected one channel of disparity, got {_shape(pixels)}")
    if not np.isfinite(pixels).all():
        raise DamagedDataError(f"{path}: holds NaN or infinite values: fill the holes")
    if float(pixels.min()) == float(pixels.max()):
        raise DamagedDataError(f"{path}: every value is {float(pixels.min()):g}: expected disparity that varies")
    return np.ascontiguousarray(pixels, np.float32)


def check_size(path: Path, pixels: NDArray[np.float32], like: Path, reference: NDArray[np.float32]) -> None:
    """Raise DamagedDataError where two files' pictures differ in height or width."""
    if pixels.shape[:2] != reference.shape[:2]:
        expected, found = ("x".join(map(str, reversed(a.shape[:2]))) for a in (reference, pixels))
        raise DamagedDataError(f"{path}: {found} px, expected {expected} as in {like.name}: resample it")


def _decode(path: Path) -> NDArray:
    """Return a file's values as stored: (H,W) or (H,W,C), colours in the order RGB."""
    if not path.is_file():
        raise MissingDataError(f"{path}: expected a picture, found none")
    if path.suffix.lower() == ".exr":
        return read_exr(path)
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
        with path.open("rb") as file:
            head = file.read(PNG_DEPTH_BYTE + 1)
        if head.startswith(TIFF_MAGIC):
            return _decode_deep(path)  # upright already
        return _decode_with_pillow(path, is_deep_png=head.startswith(PNG_MAGIC) and head[PNG_DEPTH_BYTE:] == b"\x10")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DamagedDataError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error


def _decode_with_pillow(path: Path, is_deep_png: bool) -> NDArray:
    with Image.open(path) as image:
        image.load()  # refuses truncated files, which OpenCV fills up
        if is_deep_png:  # Pillow cuts 16-bit colours down to 8
            return _turned(_decode_deep(path), image)
        upright = ImageOps.exif_transpose(image)
        mode = "RGBA" if "transparency" in upright.info else DEEP_PALETTES.get(upright.mode, upright.mode)
        if mode not in ("L", "RGB", "RGBA", "F") and not mode.startswith("I;16"):
            mode = "RGB"
        return np.asarray(upright if upright.mode == mode else upright.convert(mode))


def _decode_deep(path: Path) -> NDArray:
    """Decode with OpenCV, which keeps 16 bits and floats, and is silent about what it cannot read."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(str(error)) from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None:
        raise ValueError("the file is truncated or of an unknown kind")
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        pixels = pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
    return pixels


def _turned(pixels: NDArray, image: Image.Image) -> NDArray:
    """Turn pixels upright as the EXIF orientation (1 to 8) of ``image`` says."""
    orientation = image.getexif().get(0x0112, 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _scaled(pixels: NDArray, path: Path) -> NDArray[np.float32]:
    if np.issubdtype(pixels.dtype, np.floating):
        return pixels.astype(np.float32)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DamagedDataError(f"{path}: expected 8- or 16-bit integers or floats, got {pixels.dtype}")
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _shape(pixels: NDArray) -> str:
    return "x".join(map(str, pixels.shape))
