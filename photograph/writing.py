"""Pictures as files: PNG and TIFF of 8 or 16 bits, JPEG, WebP, with colour profile and EXIF."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms
from torch import Tensor

from ..core.atomic_files import write_atomically
from ..core.errors import InvalidOptionError
from ..core.files import PNG_OPTIONS

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
DEEP_SUFFIXES = (".png", ".tif", ".tiff")
JPEG_SUFFIXES = (".jpg", ".jpeg")
QUALITY = 95
LONGEST_SIDE_PX = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}
"""Of what can be written as such a file."""

PNG_HEADER_BYTES = 33
"""Signature and IHDR, behind which other chunks may stand."""

MOST_JPEG_EXIF = 65533
"""Bytes of EXIF in a JPEG file, which has one segment for it."""

EXIF_START = b"Exif\0\0"
"""Of EXIF in JPEG files; PNG has it without."""


def check_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    """Raise InvalidOptionError for a file's name with another ending."""
    if path.suffix.lower() not in suffixes:
        raise InvalidOptionError(f"--output {path}: expected a name that ends in {', '.join(suffixes)}")


def check_size(path: Path, height: int, width: int) -> None:
    """Raise InvalidOptionError for a picture that is too large for a file of this name."""
    longest = LONGEST_SIDE_PX.get(path.suffix.lower())
    if longest is not None and max(height, width) > longest:
        raise InvalidOptionError(
            f"--output {path}: the picture has {width}x{height} px, such a file {longest} a side at most: name a .png"
        )


def write_picture(
    path: Path, picture: Tensor, bits: int = 8, profile: bytes | None = None, exif: bytes | None = None
) -> int:
    """Write (3,H,W) float32, display-encoded, [0,1], atomically; return the bits a sample that it got.

    ``bits``: 16 is kept by PNG and TIFF, others have 8. TIFF gets no EXIF. Raises CannotWriteError, and
    InvalidOptionError for a picture that is too large for the file, and EXIF that is too long for JPEG.
    """
    check_size(path, *picture.shape[1:])
    suffix = path.suffix.lower()
    bits = bits if suffix in DEEP_SUFFIXES else 8
    if suffix in JPEG_SUFFIXES and exif is not None and len(exif) > MOST_JPEG_EXIF:
        raise InvalidOptionError(
            f"--output {path}: the photograph's EXIF has {len(exif)} bytes, JPEG at most {MOST_JPEG_EXIF}: name a .png"
        )
    levels = to_levels(picture, bits)
    write_atomically(path, _WRITERS[suffix](levels, profile, exif))
    return bits


def to_levels(picture: Tensor, bits: int) -> NDArray[Any]:
    """Return (H,W,3) uint8 or uint16 of (3,H,W) in [0,1], rounded."""
    top, kind = (255.0, torch.uint8) if bits == 8 else (65535.0, torch.int32)
    planes = [plane.mul(top).add_(0.5).to(kind).numpy() for plane in picture.detach().cpu()]
    return cv2.merge(planes if bits == 8 else [plane.astype(np.uint16) for plane in planes])


def as_srgb(levels: NDArray[np.uint8], profile: bytes | None) -> Image.Image:
    """Return an 8-bit picture (H,W,3) in sRGB; without a profile it is that already."""
    image = Image.fromarray(levels)
    if profile is None:
        return image
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    assert converted is not None  # noqa: S101 - it is None in place only
    return converted


def _png(levels: NDArray[Any], profile: bytes | None, exif: bytes | None) -> Callable[[BinaryIO], object]:
    coded, content = cv2.imencode(".png", cv2.cvtColor(levels, cv2.COLOR_RGB2BGR), PNG_OPTIONS)
    assert coded  # noqa: S101 - three channels of 8 or 16 bits
    data = content.tobytes()
    chunks = b""
    if profile is not None:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if exif is not None:
        chunks += _chunk(b"eXIf", exif.removeprefix(EXIF_START))
    return lambda file: file.write(data[:PNG_HEADER_BYTES] + chunks + data[PNG_HEADER_BYTES:])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _jpeg(levels: NDArray[Any], profile: bytes | None, exif: bytes | None) -> Callable[[BinaryIO], object]:
    return lambda file: Image.fromarray(levels).save(
        file, "JPEG", quality=QUALITY, subsampling=0, icc_profile=profile, exif=exif or b""
    )


def _webp(levels: NDArray[Any], profile: bytes | None, exif: bytes | None) -> Callable[[BinaryIO], object]:
    return lambda file: Image.fromarray(levels).save(
        file, "WEBP", quality=QUALITY, icc_profile=profile, exif=exif or b""
    )


def _tiff(levels: NDArray[Any], profile: bytes | None, exif: bytes | None) -> Callable[[BinaryIO], object]:
    return lambda file: tifffile.imwrite(
        file, levels, photometric="rgb", compression="adobe_deflate", predictor=True, iccprofile=profile
    )


_WRITERS = dict(zip(SUFFIXES, (_png, _jpeg, _jpeg, _tiff, _tiff, _webp), strict=True))
