"""Pictures in OpenEXR files: half or full floats, losslessly compressed."""

from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from ...core.errors import DamagedDataError, MissingDataError


def read_exr(path: Path) -> NDArray[np.float32]:
    """Read a file's picture: (H,W,C) float32 as stored, C = 3 for one with colour channels, otherwise 1 (depth).

    A fourth channel (alpha) is dropped. Raises MissingDataError naming a file that is absent, DamagedDataError one that
    cannot be read or holds other channels.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: expected an OpenEXR file, found none")
    try:
        with OpenEXR.File(str(path)) as file:
            channels = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError) as error:
        raise DamagedDataError(f"{path}: truncated, damaged or no OpenEXR file: {error}") from error
    for name in ("RGB", "RGBA"):
        if name in channels:
            return channels[name][..., :3].astype(np.float32)
    if len(channels) == 1:
        pixels = next(iter(channels.values()))
        if pixels.ndim == 2:
            return pixels[..., None].astype(np.float32)
    raise DamagedDataError(f"{path}: expected R, G, B (and A) or one channel, got {', '.join(channels) or 'none'}")


def write_exr(path: Path, picture: NDArray[np.floating], half: bool = True) -> None:
    """Write (H,W,3) as R, G, B or (H,W) as Z, ZIP-compressed; complete under its name or absent.

    ``half``: 16-bit floats (11 bits of precision, up to 65504), else 32-bit.
    """
    pixels = np.ascontiguousarray(picture, dtype=np.float16 if half else np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    picture_file = OpenEXR.File(header, {"RGB" if pixels.ndim == 3 else "Z": pixels})
    write_atomically(path, lambda file: picture_file.write(file.name))
