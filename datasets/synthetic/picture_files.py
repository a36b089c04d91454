"""Folders of pictures as sources of scenes: what is in them, and cut-outs as they are stored."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedDataError, MissingDataError
from ..files.kinds import decode
from ..files.raster import Raster


def list_pictures(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the pictures of a folder, sorted. Raises MissingDataError where it is absent or has none."""
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in suffixes) if folder.is_dir() else []
    if not found:
        raise MissingDataError(f"{folder}: expected a folder with pictures ({', '.join(suffixes)})")
    return found


def read_cutout(path: Path) -> NDArray[np.uint8]:
    """Read an RGBA picture as (h,w,4), display-encoded with straight alpha.

    Raises DamagedDataError for a file that cannot be read or has no alpha.
    """
    try:
        raster = decode(path, "picture")
    except DamagedDataError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise DamagedDataError(f"{path}: expected a picture with transparency: {reason}") from error
    if raster.alpha is None or raster.linear or raster.pixels.shape[2] not in (1, 3):
        raise DamagedDataError(f"{path}: expected a picture with transparency (RGBA), got {raster.shape} and no alpha")
    colours = np.broadcast_to(raster.scaled(path), (*raster.alpha.shape, 3))
    alpha = Raster(raster.alpha[..., None], None, raster.top).scaled(path)
    return np.round(255.0 * np.clip(np.concatenate([colours, alpha], axis=2), 0.0, 1.0)).astype(np.uint8)
