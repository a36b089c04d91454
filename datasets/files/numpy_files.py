"""Arrays of NumPy: ``.npy`` with one array, ``.npz`` with several; never pickled objects."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .problems import Problem, check_area, refusal
from .raster import Raster, Role

NPY_MAGIC = (npy.MAGIC_PREFIX,)
NPZ_MAGIC = (b"PK\3\4", b"PK\5\6")
WANTED = {"picture": ("image", "picture"), "disparity": ("disparity", "disp"), "depth": ("depth",)}
"""Names of the array that is meant where a ``.npz`` holds several, in whatever case."""


def read_npy(path: Path, role: Role) -> Raster:
    """Read (H,W), (H,W,C) or, for a map, (1,H,W). Raises DamagedDataError, ValueError for no such file."""
    with path.open("rb") as file:
        return _read_array(path, file, path.stat().st_size, role)


def read_npz(path: Path, role: Role) -> Raster:
    """Read the one that is named as what it is read for, or the one array, unless it is named as something else.

    Raises DamagedDataError.
    """
    with zipfile.ZipFile(path) as archive:
        members = {Path(info.filename).stem: info for info in archive.infolist() if info.filename.endswith(".npy")}
        names = [name for name in members if name.lower() in WANTED[role]]
        if len(members) == 1 and not any(name.lower() in other for name in members for other in WANTED.values()):
            names = list(members)
        if len(names) != 1:
            expected = f"one array, or one that is named {WANTED[role][0]}"
            found = ", ".join(members) or "none"
            raise refusal(path, Problem.CHANNELS, expected=expected, found=found, remedy="that one alone")
        with archive.open(members[names[0]]) as file:
            return _read_array(path, file, members[names[0]].file_size, role)


def _read_array(path: Path, file: IO[bytes], size: int, role: Role) -> Raster:
    shape, fortran_order, dtype = _read_header(file)
    is_map = role != "picture"
    pixels_shape = shape[1:] if is_map and len(shape) == 3 and shape[0] == 1 and shape[2] != 1 else shape
    if len(pixels_shape) not in (2, 3):
        problem = Problem.NO_MAP if is_map else Problem.NO_PICTURE
        raise refusal(path, problem, role=role, shape="x".join(map(str, shape)) or "one number")
    check_area(path, pixels_shape[1], pixels_shape[0], math.prod(pixels_shape[2:]))
    expected, found = math.prod(shape) * dtype.itemsize, size - file.tell()
    if found != expected:
        raise refusal(path, Problem.OTHER_LENGTH, expected=expected, found=found)
    values: NDArray[Any] = np.frombuffer(file.read(expected), dtype)
    return Raster.of(values.reshape(shape, order="F" if fortran_order else "C").reshape(pixels_shape))


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns come first, and type. Raises ValueError for what holds no plain numbers."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"expected an array of plain numbers, got NumPy's format {version}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read(file)
    if dtype.hasobject or dtype.names is not None or any(length < 0 for length in shape):
        raise ValueError(f"expected an array of plain numbers, got {dtype}")
    return shape, fortran_order, dtype
