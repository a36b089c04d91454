"""Folders of pictures as sources of scenes: what is in them, and cut-outs as they are stored."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.errors import DamagedDataError, MissingDataError


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
        with Image.open(path) as picture:
            if "A" not in picture.getbands() and "transparency" not in picture.info:
                raise DamagedDataError(f"{path}: expected a picture with transparency (RGBA), got {picture.mode}")
            return np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DamagedDataError(f"{path}: expected a picture with transparency: {error}") from error
