"""What a run writes: safe names, JSON and 8-bit pictures, each complete or absent."""

import errno
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .atomic_files import explained, write_atomically
from .documents import kind_of

LONGEST_NAME = 80
PNG_OPTIONS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)
"""Half of Pillow's time at its level 1, for files of the same size; pictures are written once and read a few times."""


def quantise(image: Tensor) -> Tensor:
    """Round an image to the 256 levels of an 8-bit file: any shape, display-encoded; values outside [0,1] are clipped.

    Changes nothing in an image read from such a file.
    """
    return image.clamp(0.0, 1.0).mul_(255.0).round_().div_(255.0)


def safe_name(name: str) -> str:
    """Turn any name into one file name: ASCII letters, digits, ``._@+-``; others become a dash and a hash is added.

    A name that is safe already is kept. The result is never empty, hidden, or a way out of its folder.
    """
    safe = re.sub(r"[^A-Za-z0-9._@+-]+", "-", name).lstrip(".")[:LONGEST_NAME]
    if safe and safe == name:
        return safe
    return f"{safe or 'name'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, atomically. NaN and infinity are refused: JSON has neither."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def write_image(path: Path, image: Tensor) -> str:
    """Save (3,H,W) in [0,1] as an 8-bit PNG, atomically. Returns the file's SHA-256."""
    red, green, blue = quantise(image.detach().cpu()).mul_(255.0).round_().to(torch.uint8).numpy()
    return _write_png(path, cv2.merge([blue, green, red]))


def write_map(path: Path, values: Tensor, low: float, high: float) -> str:
    """Save a (1,H,W) map as a 16-bit grey PNG with ``low`` black and ``high`` white. Returns the file's SHA-256."""
    scaled = ((values[0].double() - low) / max(high - low, 1e-12)).clamp(0.0, 1.0) * 65535.0
    return _write_png(path, scaled.round().cpu().numpy().astype(np.uint16))


def read_map(path: Path) -> NDArray[np.float64]:
    """Read a map that ``write_map`` saved as (H,W) float64, from 0 for its ``low`` to 1 for its ``high``."""
    with Image.open(path) as levels:
        return np.array(levels, np.float64) / 65535.0


def read_image(path: Path) -> Tensor:
    """Read an 8-bit PNG back as (3,H,W) float32 in [0,1]."""
    with Image.open(path) as picture:
        levels = np.array(picture.convert("RGB"))
    return torch.from_numpy(levels).permute(2, 0, 1).to(torch.float32) / 255.0


def regular(path: Path, may_be_absent: bool = False) -> Path:
    """Return ``path``, to be opened. Raises OSError for anything but a file: a named pipe would be waited for."""
    if may_be_absent and not os.path.lexists(path):
        return path
    found = kind_of(path)
    if found is not None:
        raise OSError(errno.EINVAL, f"expected a file, found {found}", str(path))
    return path


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path, sha256: str | None) -> bool:
    """Whether a file lies at ``path`` that has this SHA-256, in hexadecimal; None: any file will do."""
    try:
        return path.is_file() and (sha256 is None or sha256_of(path) == sha256)
    except OSError:
        return False


def set_aside(path: Path) -> Path:
    """Rename what lies at ``path`` to a free name beside it, and return that."""
    number = 1
    while (aside := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    with explained(path):
        return path.rename(aside)


def _write_png(path: Path, levels: NDArray[Any]) -> str:
    """Write (H,W) or (H,W,3), blue first, 8 or 16 bits. Returns the file's SHA-256."""
    coded, content = cv2.imencode(".png", levels, PNG_OPTIONS)
    if not coded:
        raise OSError(f"{path}: cannot be coded as PNG")
    data = content.tobytes()
    if path.is_dir() and not path.is_symlink():
        set_aside(path)
    write_atomically(path, lambda file: file.write(data))
    return hashlib.sha256(data).hexdigest()
