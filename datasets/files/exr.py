"""Pictures and maps in OpenEXR files: half or full floats, all parts and layers."""

import io
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from .exr_channels import Chosen, find_colours, find_map
from .problems import Problem, check_area, guarded, refusal, require_file
from .raster import Raster, Role

MAGIC = (b"\x76\x2f\x31\x01",)
COLOURS = ("R", "G", "B", "A")
DEEP = (OpenEXR.deepscanline, OpenEXR.deeptile)

Place: TypeAlias = tuple[int, str]
"""The part that a channel is in, counted from 0, and its name there."""

Window: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""First and last pixel, (x, y) each."""


class _Prints:
    """Standard output that keeps what one thread prints and passes on what others do.

    There is one, for good: CPython's ``print`` holds no reference to the output that it writes to, and crashes if that
    goes away meanwhile.
    """

    def __init__(self) -> None:
        self.reading = threading.Lock()
        self._real = sys.stdout
        self._kept = io.StringIO()
        self._thread: int | None = None

    @contextmanager
    def kept(self) -> Iterator[io.StringIO]:
        """Keep what OpenEXR prints in this thread, by Python's own ``print``."""
        with self.reading:  # whoever takes the place of standard output gives it back before the next takes it
            self._real, self._kept, self._thread = sys.stdout, io.StringIO(), threading.get_ident()
            with redirect_stdout(cast(Any, self)):
                yield self._kept

    def write(self, text: str) -> int:
        return (self._kept if threading.get_ident() == self._thread else self._real).write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


PRINTS = _Prints()


def read_exr(path: Path, role: Role = "picture", channel: str | None = None) -> NDArray[np.float32]:
    """Read a file's picture or map: (H,W,C) float32 as stored, C = 3 for colours, otherwise 1.

    ``channel``: the full name of the one that is meant; None: the role decides. Raises MissingDataError naming a file
    that is absent, DamagedDataError one that cannot be read, holds other channels or is transparent.
    """
    require_file(path, "an OpenEXR file")
    with guarded(path):
        raster = read_exr_raster(path, role, channel)
        raster.require_opaque(path)
        return raster.scaled(path)


def read_exr_raster(path: Path, role: Role, channel: str | None = None) -> Raster:
    """Read the channels that are meant, or ``channel``, in the display window. Raises DamagedDataError."""
    try:
        with PRINTS.kept(), OpenEXR.File(str(path), separate_channels=True, header_only=True) as file:
            places, count = _find_channels(path, file.parts), len(file.parts)
            names, alpha = _choose(path, places, role, channel)
            _check_chosen(path, file.parts, [places[name] for name in (*names, *([alpha] if alpha else ()))])
        with PRINTS.kept() as printed, OpenEXR.File(str(path), separate_channels=True) as file:
            if len(file.parts) < count:  # OpenEXR leaves out a part whose pixels it cannot read, and prints why
                why = printed.getvalue() or f"{len(file.parts)} of {count} parts are whole"
                raise refusal(path, Problem.NO_EXR, why=" ".join(why.split()))
            pixels = np.stack([_read_channel(file.parts, *places[name]) for name in names], axis=2)
            opacity = _read_channel(file.parts, *places[alpha]) if alpha else None
    except (RuntimeError, ValueError) as error:
        raise refusal(path, Problem.NO_EXR, why=" ".join(str(error).split())) from error
    return Raster(pixels, opacity, None if pixels.dtype.kind == "f" else 2**32 - 1, linear=role == "picture")


def write_exr(path: Path, picture: NDArray[np.floating], half: bool = True) -> None:
    """Write (H,W,3) as R, G, B or (H,W) as Z, ZIP-compressed; complete under its name or absent.

    ``half``: 16-bit floats (11 bits of precision, up to 65504), else 32-bit.
    """
    pixels = np.ascontiguousarray(picture, dtype=np.float16 if half else np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    picture_file = OpenEXR.File(header, {"RGB" if pixels.ndim == 3 else "Z": pixels})
    write_atomically(path, lambda file: picture_file.write(file.name))


def _find_channels(path: Path, parts: list) -> dict[str, Place]:
    """Return where every channel is by its full name: by that of its part as well, unless its own says enough.

    Raises DamagedDataError where more is claimed than is read.
    """
    names = Counter(channel.name for part in parts for channel in part.header["channels"])
    places = {}
    for index, part in enumerate(parts):
        (left, top), (right, bottom) = _window(part, "dataWindow")
        check_area(path, right - left + 1, bottom - top + 1, names.total())
        shares_colours = any(names[channel.name] > 1 for channel in part.header["channels"] if channel.name in COLOURS)
        for channel in part.header["channels"]:
            is_colour = channel.name in COLOURS and not shares_colours
            says_enough = names[channel.name] == 1 and ("." in channel.name or is_colour)
            by_part = len(parts) > 1 and not says_enough
            layer = part.header.get("name", "") if by_part else ""
            places[f"{layer}.{channel.name}".lstrip(".")] = (index, channel.name)
    return places


def _choose(path: Path, places: Mapping[str, Place], role: Role, channel: str | None) -> Chosen:
    if channel is not None:
        if channel not in places:
            found = ", ".join(places) or "none"
            raise refusal(
                path, Problem.CHANNELS, expected=f"a channel {channel}", found=found, remedy="it, or name another"
            )
        return (channel,), None
    chosen = find_colours(places) if role == "picture" else find_map(places, role)
    if chosen is None:
        expected = "R, G, B (and A) or one channel" if role == "picture" else f"one channel of {role}, or one named so"
        found = ", ".join(places) or "none"
        raise refusal(path, Problem.CHANNELS, expected=expected, found=found, remedy="the one that is meant")
    return chosen


def _check_chosen(path: Path, parts: list, places: Sequence[Place]) -> None:
    """Raise DamagedDataError unless each channel has one sample for each pixel of one and the same picture."""
    for index, name in places:
        part = parts[index]
        if part.header.get("type") in DEEP:
            raise refusal(path, Problem.DEEP)
        channel = next(channel for channel in part.header["channels"] if channel.name == name)
        if (channel.xSampling, channel.ySampling) != (1, 1):
            raise refusal(path, Problem.SUBSAMPLED, channel=name)
        data, display = _window(part, "dataWindow"), _window(part, "displayWindow")
        if any(data[0][i] > display[0][i] or data[1][i] < display[1][i] for i in (0, 1)):
            raise refusal(path, Problem.CROPPED, data=_as_text(data), display=_as_text(display))


def _read_channel(parts: list, index: int, name: str) -> NDArray:
    """Return a channel, cut to the display window."""
    (left, top), _ = _window(parts[index], "dataWindow")
    (first_column, first_row), (last_column, last_row) = _window(parts[index], "displayWindow")
    pixels = np.asarray(parts[index].channels[name].pixels)
    return pixels[first_row - top : last_row - top + 1, first_column - left : last_column - left + 1]


def _window(part: OpenEXR.Part, name: str) -> Window:
    low, high = part.header[name]
    return (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))


def _as_text(window: Window) -> str:
    (left, top), (right, bottom) = window
    return f"[{left}, {top}] to [{right}, {bottom}]"
