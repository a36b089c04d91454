"""TIFF through tifffile: every depth, byte order, layout and compression that it and imagecodecs know.

Zero is white or zero is black: values come back with zero as black, at every depth alike.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from tifffile import COMPRESSION, PHOTOMETRIC

from .pillow_files import ORIENTATION, read_with_pillow
from .problems import Problem, check_area, refusal
from .raster import Raster

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GREY_OR_RGB = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
REDUCED_OR_MASK = 0b101
"""Bits of the tag NewSubfileType: a thumbnail, a transparency mask."""

GDAL_NODATA = 42113

LERC_PARAMETERS = 50674
UNPACK_LERC: tuple[Callable[[bytes], bytes | bytearray], ...] = (
    bytes,
    imagecodecs.zlib_decode,
    imagecodecs.zstd_decode,
)
"""By the second of LERC's parameters: what is wrapped around it."""


def read_tiff(path: Path) -> Raster:
    """Read the one image of a file, upright. Palettes, CMYK and the like become 8-bit RGB.

    Raises DamagedDataError; what tifffile raises otherwise.
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it writes to the terminal what it then raises
    with tifffile.TiffFile(path) as file:
        page = _only_image(path, file)
        check_area(path, page.imagewidth, page.imagelength, page.imagedepth * page.samplesperpixel)
        is_jpeg_colour = page.photometric == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.JPEG
        if page.photometric not in GREY_OR_RGB and not is_jpeg_colour:
            return _read_colours(path, page)
        _require_all_chunks(path, page)
        planes, depth, _, _, _ = page.shaped
        if page.compression == COMPRESSION.LERC:
            _require_no_holes(path, file, page)
        pixels = page.asarray(squeeze=False)
        if depth != 1:
            raise refusal(path, Problem.SEVERAL_IMAGES, count=depth)
        pixels = np.moveaxis(pixels[:, 0], 0, 2)[..., 0] if planes > 1 else pixels[0, 0]
        _require_data(path, pixels, page)
        raster = _with_black_zero(path, pixels, page)
        return raster.turned(_orientation(page))


def _read_colours(path: Path, page: Any) -> Raster:
    try:
        with path.open("rb") as opened:
            return read_with_pillow(path, opened, ("TIFF",))
    except UnidentifiedImageError as error:
        why = f"{page.photometric.name.lower()} of {page.bitspersample} bits: save grey or RGB"
        raise refusal(path, Problem.UNREADABLE, why=why) from error


def _only_image(path: Path, file: tifffile.TiffFile) -> Any:
    """Return the first page. Raises DamagedDataError where others are more than thumbnails and masks of it."""
    images = [page for page in map(file.pages.get, range(len(file.pages))) if not _is_secondary(page)]
    if len(images) != 1:
        raise refusal(path, Problem.SEVERAL_IMAGES, count=len(images))
    return images[0]


def _is_secondary(page: Any) -> bool:
    return bool(int(page.subfiletype) & REDUCED_OR_MASK)


def _require_all_chunks(path: Path, page: Any) -> None:
    """Raise DamagedDataError for strips or tiles that are absent: tifffile fills them with zeros."""
    size, count = path.stat().st_size, int(np.prod(page.chunked))
    chunks = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    end = max((offset + length for offset, length in chunks), default=0)
    if end > size:
        raise refusal(path, Problem.UNREADABLE, why=f"truncated: its pixels end at byte {end}, the file at byte {size}")
    whole = sum(offset > 0 and length > 0 for offset, length in chunks)
    if whole < count:
        raise refusal(path, Problem.UNREADABLE, why=f"{whole} of its {count} strips or tiles are there")


def _require_no_holes(path: Path, file: tifffile.TiffFile, page: Any) -> None:
    """Raise DamagedDataError where LERC's mask says that pixels have no value: tifffile reads 0 there."""
    tag, count = page.tags.get(LERC_PARAMETERS), 0
    unpack = UNPACK_LERC[int(tag.value[1]) if tag is not None else 0]
    for index, (offset, length) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        file.filehandle.seek(offset)
        data = file.filehandle.read(length)
        _, valid = imagecodecs.lerc_decode(unpack(data), masks=True)
        if valid is not None:
            _, _, (_, height, width, _) = page.decode(data, index)  # a tile at the border is padded beyond them
            count += int((~valid[..., :height, :width]).sum())
    if count:
        raise refusal(path, Problem.LERC_HOLES, count=count)


def _require_data(path: Path, pixels: NDArray[Any], page: Any) -> None:
    """Raise DamagedDataError where a pixel has the value that GDAL's tag says to mean that there is none."""
    tag = page.tags.get(GDAL_NODATA)
    try:
        value = float(tag.value) if tag is not None else np.nan  # not finite is refused in any case
    except ValueError:
        return
    count = int((pixels == value).sum())
    if count:
        raise refusal(path, Problem.NO_DATA, count=count, value=value)


def _with_black_zero(path: Path, pixels: NDArray[Any], page: Any) -> Raster:
    top = None
    if pixels.dtype.kind == "u":
        top = 2 ** int(np.max(page.bitspersample)) - 1
    raster = Raster.of(pixels, top)
    if page.photometric != PHOTOMETRIC.MINISWHITE:
        return raster
    if raster.top is not None:
        raster.require_shares(path)
        inverted = (raster.top - raster.pixels.astype(np.int64)).astype(np.promote_types(raster.pixels.dtype, np.uint8))
        return Raster(inverted, raster.alpha, raster.top)
    low, high = float(raster.pixels.min()), float(raster.pixels.max())
    if low < 0.0 or high > 1.0:
        raise refusal(path, Problem.NO_WHITE, low=low, high=high)
    return Raster(1 - raster.pixels, raster.alpha)


def _orientation(page: Any) -> int:
    tag = page.tags.get(ORIENTATION)
    return int(tag.value) if tag is not None else 1
