"""Where generated scenes take their pictures from: what everybody has installed, or the user's folders."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedDataError
from ...core.optics import GAMMA
from ..files.pictures import read_picture
from .cutouts import CUTOUTS, make_cutout
from .photographs import PHOTOGRAPHS, load_photograph
from .picture_files import list_pictures, read_cutout

PHOTOGRAPH_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
CUTOUT_SUFFIXES = (".png", ".webp", ".tif", ".tiff")
SHORTER_SIDE_PX = 800
"""Larger photographs are reduced to this: a scene's background is to be a view, not a detail of one."""


@dataclass(frozen=True)
class SceneSources:
    """Photographs for backgrounds and cut-outs for foregrounds, by name.

    ``photograph_files``, ``cutout_files``: names to the user's files; empty means the packaged photographs and the
    painted cut-outs. Cut-outs are RGBA with straight alpha, as PNG has it.
    """

    photograph_files: Mapping[str, Path]
    cutout_files: Mapping[str, Path]

    @property
    def photographs(self) -> list[str]:
        """Names of all backgrounds."""
        return list(self.photograph_files) or [name for name in PHOTOGRAPHS if name != "motorcycle"]

    @property
    def cutouts(self) -> list[str]:
        """Names of all foregrounds."""
        return list(self.cutout_files or CUTOUTS)

    def photograph(self, name: str) -> NDArray[np.uint8]:
        """Return (H,W,3) uint8, display-encoded. Raises MissingDataError or DamagedDataError naming the file."""
        return _read_reduced(self.photograph_files[name]) if self.photograph_files else load_photograph(name)

    def cutout(self, name: str, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return (height, width, 4) float32, linear, premultiplied; the user's fill the box as far as they keep shape.

        Raises DamagedDataError naming the file.
        """
        if not self.cutout_files:
            return make_cutout(name, height, width, rng)
        return _fitted(_read_foreground(self.cutout_files[name]), height, width, mirrored=rng.random() < 0.5)

    def describe(self) -> dict[str, str]:
        """Return the SHA-256 of every file of the user's, by name; nothing for what is packaged."""
        files = {**self.photograph_files, **self.cutout_files}
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


PACKAGED = SceneSources({}, {})


def open_sources(photographs: Path | None, cutouts: Path | None) -> SceneSources:
    """List the pictures of two folders, sorted; None: what is packaged.

    Raises MissingDataError for a folder that is absent or holds no picture.
    """
    return SceneSources(_list_files(photographs, PHOTOGRAPH_SUFFIXES), _list_files(cutouts, CUTOUT_SUFFIXES))


def _list_files(folder: Path | None, suffixes: tuple[str, ...]) -> dict[str, Path]:
    if folder is None:
        return {}
    return {file.name: file for file in list_pictures(folder, suffixes)}


@lru_cache(maxsize=32)
def _read_reduced(path: Path) -> NDArray[np.uint8]:
    photograph = np.round(255.0 * np.clip(read_picture(path), 0.0, 1.0)).astype(np.uint8)
    scale = SHORTER_SIDE_PX / min(photograph.shape[:2])
    if scale >= 1.0:
        return photograph
    size = (round(photograph.shape[1] * scale), round(photograph.shape[0] * scale))
    return np.asarray(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA))


@lru_cache(maxsize=32)
def _read_foreground(path: Path) -> NDArray[np.float32]:
    """Return (h,w,4) float32, linear, premultiplied, without its transparent margins."""
    pixels = read_cutout(path).astype(np.float32) / np.float32(255.0)
    alpha = pixels[..., 3:]
    if float(alpha.max()) == 0.0:
        raise DamagedDataError(f"{path}: every pixel is transparent: expected a cut-out foreground")
    rows, columns = np.flatnonzero(alpha.any(axis=(1, 2))), np.flatnonzero(alpha.any(axis=(0, 2)))
    rgba = np.concatenate([pixels[..., :3] ** np.float32(GAMMA) * alpha, alpha], axis=2)
    return rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(rgba: NDArray[np.float32], height: int, width: int, mirrored: bool) -> NDArray[np.float32]:
    """Scale a cut-out into a box: its base on the box's lower edge, centred across, transparent elsewhere."""
    scale = min(height / rgba.shape[0], width / rgba.shape[1])
    rows, columns = (max(1, int(scale * length)) for length in rgba.shape[:2])
    kernel = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    scaled = cv2.resize(rgba[:, ::-1] if mirrored else rgba, (columns, rows), interpolation=kernel)
    box = np.zeros((height, width, 4), np.float32)
    left = (width - columns) // 2
    box[height - rows :, left : left + columns] = scaled
    return box
