"""Where training scenes take their pictures from: folders of photographs, folders of RGBA cut-outs, own painters."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...core.optics import GAMMA
from .cutouts import CUTOUTS, make_cutout
from .photographs import PHOTOGRAPHS, packaged_file, read_photograph
from .picture_files import list_pictures, read_cutout

PHOTOGRAPH_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")
PACKAGED = "packaged"
PACKAGED_NAMES = ("astronaut", "chelsea", "coffee", "rocket", "grace-hopper")
"""In place of a folder of photographs: these, which lie in installed packages."""

CUTOUT_ENDINGS = (".png", ".webp", ".tif", ".tiff")
PAINTING_SEED = 7919
"""Of the painted cut-outs; the embedded data sets paint theirs from other seeds."""

LARGEST_SIDE_PX = 768
CACHED_PHOTOGRAPHS = 128
CACHED_CUTOUTS = 48
CACHED_PAINTED_BYTES = 1 << 29
"""A process keeps so many decoded: at most 0.2 GB of photographs, and 0.5 GB each of read and of painted cut-outs."""

DECODED = ((np.arange(256) / 255.0) ** GAMMA).astype(np.float32)


class PhotographSource:
    """Backgrounds out of folders of pictures in any common format; ``packaged`` stands for PACKAGED_NAMES.

    Raises MissingDataError where there are none.
    """

    def __init__(self, folders: Sequence[str]):
        self._files = _list_all([folder for folder in folders if folder != PACKAGED], PHOTOGRAPH_ENDINGS)
        for name in PACKAGED_NAMES if PACKAGED in folders else ():
            self._files.append(packaged_file(PHOTOGRAPHS[name].package, PHOTOGRAPHS[name].file))

    def draw(self, rng: np.random.Generator, size_px: int, margin: int) -> NDArray[np.float32]:
        """Return (size + 2 margin, size + 2 margin, 3) float32, linear: a random piece at a random scale, mirrored at
        the photograph's borders where it is too small.

        Raises MissingDataError naming a file that cannot be read.
        """
        photograph = _read_scaled(self._files[rng.integers(len(self._files))])
        shorter = min(photograph.shape[:2])
        scale = max(size_px / shorter, 0.6 + 0.6 * rng.random())
        rows, columns = (max(size_px, round(length * scale)) for length in photograph.shape[:2])
        scaled = cv2.resize(photograph, (columns, rows), interpolation=_kernel(scale))
        if rng.random() < 0.5:
            scaled = scaled[:, ::-1]
        padded = np.pad(DECODED[scaled], [(margin, margin), (margin, margin), (0, 0)], mode="reflect")
        top, left = int(rng.integers(rows - size_px + 1)), int(rng.integers(columns - size_px + 1))
        side = size_px + 2 * margin
        return np.ascontiguousarray(padded[top : top + side, left : left + side])


class CutoutSource:
    """Foregrounds out of folders of RGBA pictures (straight alpha, as PNG has it), and painted ones.

    ``painted``: how many this program paints, at a side of ``painted_px``, each when it is first drawn.
    Raises MissingDataError where a folder has no picture.
    """

    def __init__(self, folders: Sequence[str], painted: int, painted_px: int):
        self._files = _list_all(folders, CUTOUT_ENDINGS) if folders else []
        self._painted = painted
        self._painted_px = painted_px
        self._paintings: dict[int, NDArray[np.float32]] = {}

    def draw(self, rng: np.random.Generator, side_px: int) -> NDArray[np.float32]:
        """Return (h,w,4) float32, premultiplied, linear, its longer side ``side_px``; often mirrored.

        Files and paintings are equally likely as groups. Raises MissingDataError naming a file that cannot be read.
        """
        from_file = bool(self._files) and (self._painted == 0 or rng.random() < 0.5)
        if from_file:
            rgba = _read_foreground(self._files[rng.integers(len(self._files))])
        else:
            rgba = self._paint(int(rng.integers(self._painted)))
        scale = side_px / max(rgba.shape[:2])
        rows, columns = (max(1, round(length * scale)) for length in rgba.shape[:2])
        scaled = cv2.resize(rgba, (columns, rows), interpolation=_kernel(scale))
        if rng.random() < 0.5:
            scaled = scaled[:, ::-1]
        alpha = np.clip(scaled[..., 3:], 0.0, 1.0)
        return np.concatenate([np.clip(scaled[..., :3], 0.0, alpha), alpha], axis=2)

    def _paint(self, number: int) -> NDArray[np.float32]:
        """Paint a cut-out, or return it as it was painted before; the first to fit into the memory are kept."""
        if number in self._paintings:
            return self._paintings[number]
        painting = paint_cutout(number, self._painted_px)
        if (len(self._paintings) + 1) * painting.nbytes <= CACHED_PAINTED_BYTES:
            self._paintings[number] = painting
        return painting


def _list_all(folders: Sequence[str], suffixes: Sequence[str]) -> list[Path]:
    return [file for folder in folders for file in list_pictures(Path(folder), suffixes)]


@lru_cache(maxsize=CACHED_CUTOUTS)
def _read_foreground(path: Path) -> NDArray[np.float32]:
    """Read an RGBA picture as (h,w,4) float32, premultiplied, linear, its longer side at most LARGEST_SIDE_PX.

    Raises MissingDataError for a file that cannot be read or has no alpha.
    """
    pixels = read_cutout(path)
    alpha = pixels[..., 3:].astype(np.float32) / 255.0
    rgba = np.concatenate([DECODED[pixels[..., :3]] * alpha, alpha], axis=2)
    scale = LARGEST_SIDE_PX / max(rgba.shape[:2])
    if scale < 1.0:
        rgba = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(rgba, np.float32)


def paint_cutout(number: int, side_px: int) -> NDArray[np.float32]:
    """Paint cut-out ``number``: every kind of the painters in turn, each number another one."""
    kinds = list(CUTOUTS)
    rng = np.random.Generator(np.random.PCG64([PAINTING_SEED, number]))
    return make_cutout(kinds[number % len(kinds)], side_px, side_px, rng)


@lru_cache(maxsize=CACHED_PHOTOGRAPHS)
def _read_scaled(path: Path) -> NDArray[np.uint8]:
    photograph = read_photograph(path)
    scale = LARGEST_SIDE_PX / min(photograph.shape[:2])
    if scale >= 1.0:
        return photograph
    return np.asarray(cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _kernel(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
