"""Pictures and maps in OpenEXR files: half or full floats, all parts and layers."""

import io
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from .exr_channels import Channels, find_colours, find_map
from .problems import Problem, check_area, guarded, refusal, require_file
from .raster import Raster, Role

MAGIC = (b"\x76\x2f\x31\x01",)
COLOURS = ("R", "G", "B", "A")
DEEP = (OpenEXR.deepscanline, OpenEXR.deeptile)


def read_exr(path: Path, role: Role = "picture") -> NDArray[np.float32]:
    """Read a file's picture or map: (H,W,C) float32 as stored, C = 3 for colours, otherwise 1.

    Raises MissingDataError naming a file that is absent, DamagedDataError one that cannot be read, holds other channels
    or is transparent.
    """
    require_file(path, "an OpenEXR file")
    with guarded(path):
        raster = read_exr_raster(path, role)
        raster.require_opaque(path)
        return raster.scaled(path)


def read_exr_raster(path: Path, role: Role) -> Raster:
    """Read the channels that are meant, in the display window. Raises DamagedDataError."""
    channels = _read_channels(path)
    chosen = find_colours(channels) if role == "picture" else find_map(channels, role)
    if chosen is None:
        named = "R, G, B (and A) or one channel" if role == "picture" else f"one channel of {role}, or one named so"
        raise refusal(
            path, Problem.CHANNELS, expected=named, found=", ".join(channels) or "none", remedy="the one that is meant"
        )
    pixels, alpha = chosen
    return Raster(pixels, alpha, None if pixels.dtype.kind == "f" else 2**32 - 1, linear=role == "picture")


def write_exr(path: Path, picture: NDArray[np.floating], half: bool = True) -> None:
    """Write (H,W,3) as R, G, B or (H,W) as Z, ZIP-compressed; complete under its name or absent.

    ``half``: 16-bit floats (11 bits of precision, up to 65504), else 32-bit.
    """
    pixels = np.ascontiguousarray(picture, dtype=np.float16 if half else np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    picture_file = OpenEXR.File(header, {"RGB" if pixels.ndim == 3 else "Z": pixels})
    write_atomically(path, lambda file: picture_file.write(file.name))


def _read_channels(path: Path) -> Channels:
    """Return every channel of every part by ``layer.channel``, cut to the display window."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), OpenEXR.File(str(path), separate_channels=True, header_only=True) as file:
            count = len(file.parts)
            _check_headers(path, file.parts)
        with redirect_stdout(printed), OpenEXR.File(str(path), separate_channels=True) as file:
            if len(file.parts) < count:  # OpenEXR leaves out a part whose pixels it cannot read, and prints why
                why = printed.getvalue() or f"{len(file.parts)} of {count} parts are whole"
                raise refusal(path, Problem.NO_EXR, why=" ".join(why.split()))
            return _named_channels(path, file.parts)
    except (RuntimeError, ValueError) as error:
        raise refusal(path, Problem.NO_EXR, why=" ".join(str(error).split())) from error


def _check_headers(path: Path, parts: list) -> None:
    channels = sum(len(part.header["channels"]) for part in parts)
    for part in parts:
        if part.header.get("type") in DEEP:
            raise refusal(path, Problem.DEEP)
        low, high = _window(part, "dataWindow")
        check_area(path, high[0] - low[0] + 1, high[1] - low[1] + 1, channels)
        for channel in part.header["channels"]:
            if (channel.xSampling, channel.ySampling) != (1, 1):
                raise refusal(path, Problem.SUBSAMPLED, channel=channel.name)


def _named_channels(path: Path, parts: list) -> dict[str, NDArray]:
    """Name channels of several parts by their part as well, unless their own names or those of colours are enough."""
    names = Counter(name for part in parts for name in part.channels)
    channels = {}
    for part in parts:
        for name, channel in part.channels.items():
            says_enough = names[name] == 1 and ("." in name or name in COLOURS)
            by_part = len(parts) > 1 and not says_enough
            full_name = f"{part.header.get('name', '')}.{name}".lstrip(".") if by_part else name
            channels[full_name] = _framed(path, np.asarray(channel.pixels), part)
    return channels


def _framed(path: Path, pixels: NDArray, part: OpenEXR.Part) -> NDArray:
    """Cut a part's data to its display window; refused where it does not cover that."""
    (left, top), (right, bottom) = _window(part, "dataWindow")
    (first_column, first_row), (last_column, last_row) = _window(part, "displayWindow")
    if left > first_column or top > first_row or right < last_column or bottom < last_row:
        data, display = (
            f"[{window[0][0]}, {window[0][1]}] to [{window[1][0]}, {window[1][1]}]"
            for window in (_window(part, "dataWindow"), _window(part, "displayWindow"))
        )
        raise refusal(path, Problem.CROPPED, data=data, display=display)
    return pixels[first_row - top : last_row - top + 1, first_column - left : last_column - left + 1]


def _window(part: OpenEXR.Part, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a window's first and last pixel, (x, y) each."""
    low, high = part.header[name]
    return (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))
