"""Portable float maps (``.pfm``), as Middlebury and SceneFlow store disparity.

A text header (``Pf``, one channel, or ``PF``, three; width and height; a number), then float32 rows from the bottom up.
The number's sign gives the byte order, negative for little endian. Its size is a unit that files disagree about
(Middlebury's 0.00392 scales nothing): values are taken as stored. Source: netpbm's pfm(5), Middlebury's reader.
"""

import re
from pathlib import Path

import numpy as np

from .problems import Problem, check_area, refusal
from .raster import Raster

MAGIC = (b"Pf", b"PF")
LONGEST_HEADER = 512
HEADER = re.compile(rb"(P[fF])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\r\n|\s)")


def read_pfm(path: Path) -> Raster:
    """Read a map of one or three channels, rows from the top. Raises DamagedDataError."""
    with path.open("rb") as file:
        header = HEADER.match(file.read(LONGEST_HEADER))
        if header is None or float(header[4]) == 0.0:
            why = "expected the lines  Pf, WIDTH HEIGHT, SCALE  of a portable float map"
            raise refusal(path, Problem.UNREADABLE, why=why)
        width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"PF" else 1
        check_area(path, width, height, channels)
        expected, found = 4 * width * height * channels, path.stat().st_size - header.end()
        if found != expected:
            raise refusal(path, Problem.OTHER_LENGTH, expected=expected, found=found)
        file.seek(header.end())
        values = np.fromfile(file, "<f4" if header[4].startswith(b"-") else ">f4", expected // 4)
    return Raster.of(values.reshape(height, width, channels)[::-1].astype(np.float32))
