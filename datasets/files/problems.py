"""What can be wrong with a picture or a map, a sentence each, and the guard that every reader works behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.documents import kind_of
from ...core.errors import BokehBenchError, DamagedDataError, MissingDataError
from ...core.text import one_line

MOST_MEGAPIXELS = 178
MOST_PIXELS = MOST_MEGAPIXELS * 10**6
SAMPLES_PER_BYTE = 64
"""What is larger than four channels of the largest picture must hold a byte for that many samples: a real file does."""


class Problem(StrEnum):
    """One sentence for each thing that can be wrong with a file; it stands behind the file's name."""

    ABSENT = "expected {what}, found none"
    NO_FILE = "expected {what}, this is {found}"
    UNKNOWN_FORMAT = "cannot be read as a {what}: readable: {readable}, by what they hold, whatever their name"
    UNREADABLE = "cannot be read: {why}"
    CUT_SHORT = "cannot be read: the file is cut short ({why}): copy it again"
    NO_EXR = "truncated, damaged or no OpenEXR file: {why}"
    MEMORY = "does not fit into the memory that is free: scale it down"
    TOO_LARGE = f"{{size}}: up to {MOST_MEGAPIXELS} megapixels are read: scale it down"
    NO_PIXELS = "holds no pixels: {size}"
    OTHER_LENGTH = "truncated or damaged: expected {expected} bytes of pixels, got {found}"
    SEVERAL_IMAGES = "holds {count} images: expected one: save the one that is meant"
    NO_PICTURE = "expected a picture (height, width, 3), got {shape}"
    NO_MAP = "expected one channel of {role}, got {shape}: a coloured picture is no map"
    VALUE_TYPE = "expected whole numbers of up to 32 bits or floats, got {found}: save floats"
    SIGNED_PICTURE = "expected whole numbers without a sign or floats, got {found}: save uint8, uint16 or floats"
    SMALL_NUMBERS = "32-bit whole numbers of up to {value}: the largest of their type stands for 1: save floats"
    CHANNELS = "expected {expected}, got {found}: save {remedy}"
    TRANSPARENT = "expected an opaque picture, this one is transparent: flatten it"
    NOT_FINITE = "{count} values are NaN or infinite, the first at column {column}, row {row}: {remedy}"
    NO_DATA = "{count} values are {value:g}, its mark for no data: fill the holes"
    LERC_HOLES = "{count} pixels have no value, by LERC's mask: fill the holes"
    CONSTANT = "every value is {value:g}: expected {role} that varies"
    OUTSIDE_DISPLAY = "expected display values in [0, 1], got [{low:g}, {high:g}]: scale them, or use OpenEXR"
    OTHER_SIZE = "{found} px, expected {expected} as in {like}: resample it"
    NO_WHITE = "floats where zero is white, in [{low:g}, {high:g}]: expected [0, 1]: save it with black as zero"
    CROPPED = "its data covers {data}, the picture is {display}: render without a crop"
    SUBSAMPLED = "channel {channel} holds fewer samples than there are pixels: save it in full resolution"
    DEEP = "holds deep samples: flatten it"
    NEGATIVE_DEPTH = "depth of {value:g} at column {column}, row {row}: expected metres > 0; 0 or inf: nothing was hit"
    DEPTH_UNIT = "depth in whole numbers says no unit: set depth_unit (metres; 0.001 for millimetres) in scene.yaml"
    EMBEDDED = "its embedded depth map cannot be used: {why}"


def refusal(path: Path, problem: Problem, **facts: object) -> DamagedDataError:
    """Return the error to raise: the file's name and the problem's sentence with its facts."""
    return DamagedDataError(f"{path}: {problem.format(**facts)}")


def require_file(path: Path, what: str) -> None:
    """Raise MissingDataError for a path where nothing is, DamagedDataError for one that is no file.

    Folders and named pipes are seen before they are opened: reading a pipe would wait for ever.
    """
    try:
        other = kind_of(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingDataError(f"{path}: {Problem.ABSENT.format(what=what)}") from error
    except (OSError, ValueError) as error:
        raise refusal(path, Problem.UNREADABLE, why=_one_line(error)) from error
    if other is not None:
        raise refusal(path, Problem.NO_FILE, what=what, found=other)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Name the file in whatever a decoder raises about it: DamagedDataError, one line."""
    try:
        yield
    except BokehBenchError:
        raise
    except MemoryError as error:
        raise refusal(path, Problem.MEMORY) from error
    except Exception as error:  # decoders raise what they like about bytes that are damaged
        why = _one_line(error)
        raise refusal(path, Problem.CUT_SHORT if "truncated" in why.lower() else Problem.UNREADABLE, why=why) from error


def check_area(path: Path, width: int, height: int, channels: int = 1) -> None:
    """Refuse what a header claims, before memory is asked for: no pixels, or more than can be meant."""
    if width < 1 or height < 1 or channels < 1:
        raise refusal(path, Problem.NO_PIXELS, size=f"{width}x{height} px, {channels} channels")
    samples = width * height * channels
    if width * height > MOST_PIXELS or samples > max(4 * MOST_PIXELS, SAMPLES_PER_BYTE * path.stat().st_size):
        raise refusal(path, Problem.TOO_LARGE, size=f"{width}x{height} px, {channels} channels")


def check_finite(path: Path, pixels: NDArray[np.float32], remedy: str) -> None:
    """Raise DamagedDataError for values (H,W,...) that are NaN or infinite: how many, and where the first is."""
    finite = np.isfinite(pixels)
    if not finite.all():
        count = int(pixels.size - finite.sum())
        row, column = map(int, np.argwhere(~finite)[0][:2])
        raise refusal(path, Problem.NOT_FINITE, count=count, column=column, row=row, remedy=remedy)


def check_size(path: Path, pixels: NDArray[np.float32], like: Path, reference: NDArray[np.float32]) -> None:
    """Raise DamagedDataError where two files' pictures differ in height or width."""
    if pixels.shape[:2] != reference.shape[:2]:
        expected, found = ("x".join(map(str, reversed(a.shape[:2]))) for a in (reference, pixels))
        raise refusal(path, Problem.OTHER_SIZE, found=found, expected=expected, like=like.name)


def _one_line(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return one_line(said or str(error)) or type(error).__name__
