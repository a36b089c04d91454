"""Pictures to outside programs and back: linear light in files of floats or of 16 bits."""

from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ...core.errors import InvalidOutputError

Pixels = NDArray[np.float32]
"""(H,W,3) linear light, or (H,W) radii in px."""

LEVELS = 65535


def write_exr(path: Path, pixels: Pixels) -> None:
    """Write (H,W,3), or (H,W) as three equal channels, as an uncompressed OpenEXR file of floats."""
    colours = np.ascontiguousarray(np.broadcast_to(_with_channels(pixels), (*pixels.shape[:2], 3)), np.float32)
    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": colours}).write(str(path))


def read_exr(path: Path) -> Pixels:
    """Read (H,W,3) from an OpenEXR file. Raises InvalidOutputError where it is absent or no such file."""
    try:
        return np.asarray(OpenEXR.File(str(path)).channels()["RGB"].pixels, np.float32)
    except Exception as error:
        raise InvalidOutputError(f"{path.name}: expected an OpenEXR file with RGB, got {error}") from error


def read_npy(path: Path) -> Pixels:
    """Read an array from a .npy file. Raises InvalidOutputError where it is absent or no such file."""
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidOutputError(f"{path.name}: expected a .npy file, got {error}") from error


def write_levels(path: Path, pixels: Pixels, *, planes: str = "RGB", planar: bool = False) -> None:
    """Write [0,1] as 65536 levels without a header; ``planes``: the order of the colours; (H,W) thrice."""
    colours = np.broadcast_to(_with_channels(pixels), (*pixels.shape[:2], 3))[..., ["RGB".index(p) for p in planes]]
    levels = np.rint(np.clip(colours, 0.0, 1.0) * LEVELS).astype("<u2")
    path.write_bytes((levels.transpose(2, 0, 1) if planar else levels).tobytes())


def read_levels(path: Path, height: int, width: int, *, planes: str = "RGB", planar: bool = False) -> Pixels:
    """Read (H,W,3) in [0,1]. Raises InvalidOutputError for a file of another size."""
    expected, got = 6 * height * width, path.stat().st_size if path.is_file() else 0
    if got != expected:
        raise InvalidOutputError(f"{path.name}: expected {expected} bytes for {width}x{height} px, got {got}")
    levels: Pixels = np.fromfile(path, "<u2").astype(np.float32) / np.float32(LEVELS)
    stored: Pixels = levels.reshape(3, height, width).transpose(1, 2, 0) if planar else levels.reshape(height, width, 3)
    return stored[..., [planes.index(p) for p in "RGB"]]


def _with_channels(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 3 else pixels[..., None]
