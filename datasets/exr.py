"""Pictures in OpenEXR files: half or full floats, losslessly compressed."""

from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ..renderers.errors import MissingDataError


def read_exr(path: Path) -> NDArray[np.float32]:
    """Read a file's picture: (H,W,C) float32 as stored, C = 3 for one with colour channels, otherwise 1 (depth).

    A fourth channel (alpha) is dropped; of several channels without colour the first is taken.
    Raises MissingDataError naming a file that is absent or damaged.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: expected an OpenEXR file, found none")
    try:
        with OpenEXR.File(str(path)) as file:
            channels = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError) as error:
        raise MissingDataError(f"{path}: expected an OpenEXR file, it cannot be read: {error}") from error
    for name in ("RGB", "RGBA"):
        if name in channels:
            return channels[name][..., :3].astype(np.float32)
    if not channels:
        raise MissingDataError(f"{path}: expected colour or depth, the file has no channels")
    return next(iter(channels.values()))[..., None].astype(np.float32)


def write_exr(path: Path, picture: NDArray[np.floating], half: bool = True) -> None:
    """Write (H,W,3) as R, G, B or (H,W) as Z, ZIP-compressed; complete under its name or absent.

    ``half``: 16-bit floats (11 bits of precision, up to 65504), else 32-bit.
    """
    pixels = np.ascontiguousarray(picture, dtype=np.float16 if half else np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    partial = path.with_suffix(".partial")
    OpenEXR.File(header, {"RGB" if pixels.ndim == 3 else "Z": pixels}).write(str(partial))
    partial.replace(path)
