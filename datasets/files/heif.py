"""HEIC photographs, and the disparity that portraits among them carry, through the optional package pillow-heif.

Source of the map's meaning: H.265, annex G, depth representation information: of type 0 and 1 luma is disparity, spread
evenly over the range that is given; of types 2 and 3 it is something else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import MissingDataError
from .embedded import EmbeddedMap
from .problems import Problem, check_area, refusal
from .raster import Raster

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
MAGIC = tuple(b"ftyp" + brand for brand in BRANDS)
MAGIC_OFFSET = 4
INVERSE_DEPTH, DISPARITY = 0, 1


def read_heif(path: Path) -> Raster:
    """Read the primary image, 8 bit, upright. Raises MissingDataError where pillow-heif is absent."""
    image = _open(path)
    return Raster.of(np.asarray(image))


def read_heif_map(path: Path) -> EmbeddedMap | None:
    """Return the disparity that comes with the primary image, None where there is none.

    Raises MissingDataError where pillow-heif is absent, DamagedDataError for a map that is no disparity.
    """
    maps = _open(path).info.get("depth_images") or []
    if not maps:
        return None
    check_area(path, *maps[0].size)
    raster = Raster.of(np.asarray(maps[0]))
    if raster.pixels.shape[2] != 1:
        raise refusal(path, Problem.EMBEDDED, why=f"expected one channel, got {raster.shape}")
    return as_disparity(path, raster, maps[0].info.get("metadata") or {})


def as_disparity(path: Path, raster: Raster, metadata: Mapping[str, Any]) -> EmbeddedMap:
    """Spread luma over the range that ``metadata`` (keys as pillow-heif has them) gives, [0,1] where it gives none."""
    kind = metadata.get("representation_type", DISPARITY)
    if kind not in (INVERSE_DEPTH, DISPARITY):
        raise refusal(path, Problem.EMBEDDED, why=f"expected disparity (representation type 0 or 1), got type {kind}")
    if kind == INVERSE_DEPTH:
        near, far = metadata.get("z_near"), metadata.get("z_far")
        low, high = (1.0 / far, 1.0 / near) if near and far else (0.0, 1.0)
        is_metric = bool(near and far)
    else:
        low, high = metadata.get("d_min", 0.0), metadata.get("d_max", 1.0)
        is_metric = False
    if not (np.isfinite([low, high]).all() and low < high):
        raise refusal(path, Problem.EMBEDDED, why=f"expected a range from far to near, got [{low:g}, {high:g}]")
    scaled = raster.scaled(path)[..., 0]
    return EmbeddedMap(np.float32(low) + scaled * np.float32(high - low), is_metric)


def _open(path: Path) -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingDataError(
            f"{path}: HEIC needs the package pillow-heif: pip install -c constraints.txt -e '.[heic]'"
        ) from error
    image = pillow_heif.open_heif(path)
    check_area(path, *image.size)
    return image
