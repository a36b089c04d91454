"""Kinds of files: which are read for what, and by which reader; distinguished by their first bytes, not their names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import UnidentifiedImageError

from ...core.errors import DamagedDataError
from . import exr, gdepth, heif, numpy_files, pfm, tiff
from .embedded import EmbeddedMap
from .pillow_files import open_image, orientation_of, read_with_pillow
from .problems import Problem, guarded, refusal, require_file
from .raster import Raster, Role

_BOTH = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".npy", ".webp", ".bmp")
PICTURE_SUFFIXES = (*_BOTH, ".heic", ".heif")
MAP_SUFFIXES = (*_BOTH, ".npz", ".pfm")
MEASURED_SUFFIXES = (".npy", ".png", ".tif", ".tiff", ".exr", ".npz", ".pfm")
"""Maps of published data sets: a JPEG file of the same name is there to look at."""

LONGEST_MAGIC = 16


@dataclass(frozen=True)
class Kind:
    """A format: how it begins, who reads it, and what it is read for."""

    magic: tuple[bytes, ...]
    read: Callable[[Path, Role], Raster]
    pictures: bool = True
    maps: bool = True
    offset: int = 0


KINDS = (
    Kind(exr.MAGIC, exr.read_exr_raster),
    Kind(tiff.MAGIC, lambda path, role: tiff.read_tiff(path)),
    Kind(numpy_files.NPY_MAGIC, numpy_files.read_npy),
    Kind(numpy_files.NPZ_MAGIC, numpy_files.read_npz, pictures=False),
    Kind(pfm.MAGIC, lambda path, role: pfm.read_pfm(path), pictures=False),
    Kind(heif.MAGIC, lambda path, role: heif.read_heif(path), maps=False, offset=heif.MAGIC_OFFSET),
)
"""All but what Pillow reads."""


def decode(path: Path, role: Role) -> Raster:
    """Read a file as it is stored, upright.

    Raises MissingDataError for an absent file, DamagedDataError for one that cannot be read or is of another kind.
    """
    require_file(path, "a picture" if role == "picture" else f"a map of {role}")
    with guarded(path):
        head = _first_bytes(path)
        kind = next((kind for kind in KINDS if head[kind.offset :].startswith(kind.magic)), None)
        if kind is not None:
            if not (kind.pictures if role == "picture" else kind.maps):
                raise unknown_format(path, role)
            return kind.read(path, role)
        if path.suffix.lower() == ".exr":
            return exr.read_exr_raster(path, role)  # says best what is wrong with it
        try:
            with path.open("rb") as file:
                return read_with_pillow(path, file)
        except UnidentifiedImageError as error:
            raise unknown_format(path, role) from error


def read_embedded(path: Path) -> EmbeddedMap | None:
    """Return the map that a HEIC or JPEG photograph carries, None where it has none or is of another kind.

    Raises MissingDataError for an absent file or package, DamagedDataError for a map that cannot be used.
    """
    require_file(path, "a picture")
    with guarded(path):
        head = _first_bytes(path)
        if head[heif.MAGIC_OFFSET :].startswith(heif.MAGIC):
            return heif.read_heif_map(path)
        if not head.startswith(gdepth.MAGIC):
            return None
        with path.open("rb") as file, open_image(path, file) as image:
            orientation = orientation_of(image)
        return gdepth.read_gdepth(path, orientation)


def unknown_format(path: Path, role: str) -> DamagedDataError:
    """Return the error that says which kinds are read for ``role``."""
    suffixes = PICTURE_SUFFIXES if role in ("picture", "image", "target") else MAP_SUFFIXES
    what = "picture" if suffixes is PICTURE_SUFFIXES else f"map of {role}"
    return refusal(path, Problem.UNKNOWN_FORMAT, what=what, readable=", ".join(suffixes))


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST_MAGIC)
