"""A photograph and what its file says beside the pixels: colour profile, EXIF, bit depth, camera."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, TiffTags, UnidentifiedImageError

from ..datasets.files.heif import MAGIC as HEIF
from ..datasets.files.heif import MAGIC_OFFSET
from ..datasets.files.pictures import read_picture
from ..datasets.files.pillow_files import noted_warnings
from .camera import Camera, read_camera

PNG_DEPTH_BYTE = 24
BITS_PER_SAMPLE = 258
STRIPS, TILES = 273, 324
PROFILE_SPACE = slice(16, 20)
"""Where an ICC profile says of which kind of colours it is."""

EXIF_READER = "TiffImagePlugin"
"""The module of Pillow that warns of damaged EXIF, and passes over what it cannot read."""

ALL_DAMAGED = "its EXIF is damaged and left out"
SOME_DAMAGED = "its EXIF is damaged: what can be read of it is kept"


@dataclass(frozen=True, kw_only=True, eq=False)
class Photograph:
    """A picture, upright, and what is kept of its file.

    - ``pixels``: (H,W,3) float32, display-encoded in the colours of ``profile``, [0,1]; above for OpenEXR.
    - ``bits``: 16 where more than 8 a sample were read, else 8: HEIC gives 8, and a remark where it holds more.
    - ``profile``: its ICC profile, None: sRGB is taken for granted. ``exif``: upright, without a thumbnail.
    - ``remarks``: what of the file is not kept, a phrase each.
    """

    name: str
    pixels: NDArray[np.float32]
    bits: int = 8
    profile: bytes | None = None
    exif: bytes | None = None
    camera: Camera = field(default_factory=Camera)
    remarks: tuple[str, ...] = ()


def read_photograph(path: Path, gamma: float) -> Photograph:
    """Read a photograph. Raises MissingDataError, DamagedDataError as ``read_picture`` does."""
    # In memory the channels lie one after the other, as a scene's do, which it becomes without a copy.
    pixels = np.ascontiguousarray(read_picture(path, gamma).transpose(2, 0, 1)).transpose(1, 2, 0)
    with noted_warnings() as noted:
        info, exif, bits = _read_header(path)
        camera, kept, whole = _take(exif, pixels.shape[1], pixels.shape[0])
    profile = info.get("icc_profile") or None
    remark = profile and _what_is_wrong(profile)
    damaged = not whole or (not _is_of_tiff(exif) and any(Path(one.filename).stem == EXIF_READER for one in noted))
    held = info.get("bit_depth", 8)  # by HEIC, which is read with 8
    reduced = held > 8 and f"its {held} bits a sample became 8"
    remarks = (remark, reduced, damaged and (ALL_DAMAGED if kept is None else SOME_DAMAGED))
    return Photograph(
        name=path.stem,
        pixels=pixels,
        bits=bits,
        profile=None if remark else profile,
        exif=kept,
        camera=camera,
        remarks=tuple(said for said in remarks if said),
    )


def _what_is_wrong(profile: bytes) -> str | None:
    """Return why an ICC profile cannot stay with RGB pixels; None where it can."""
    if profile[PROFILE_SPACE] != b"RGB ":
        space = profile[PROFILE_SPACE].decode("ascii", "replace").strip()
        return f"its {space} colours became RGB, without their profile"
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError):
        return "its colour profile is damaged and left out: sRGB is taken for granted"
    return None


def _read_header(path: Path) -> tuple[dict, Image.Exif | None, int]:
    """Return what Pillow knows of a file that has been read; nothing of formats that it does not read.

    EXIF is None where it is damaged from its beginning.
    """
    with path.open("rb") as file:
        head = file.read(PNG_DEPTH_BYTE + 1)
    if head[MAGIC_OFFSET:].startswith(HEIF):
        import pillow_heif  # the picture was read with it

        heif = pillow_heif.open_heif(path)
        return dict(heif.info), _load(lambda: _parse(heif.info.get("exif") or b"")), 8
    try:
        with Image.open(path) as image:
            deep = image.format == "PNG" and head[PNG_DEPTH_BYTE] == 16
            if image.format == "TIFF":
                deep = max(image.tag_v2.get(BITS_PER_SAMPLE, (8,))) > 8  # type: ignore[attr-defined]
            exif = _load(image.getexif)
            if exif is not None and not len(exif):  # so it is, too, where Pillow met damage as it opened a JPEG
                exif = _load(lambda: _parse(image.info.get("exif") or b""))
            return dict(image.info), exif, 16 if deep else 8
    except (UnidentifiedImageError, OSError):  # OpenEXR, NumPy, TIFF of floats
        return {}, Image.Exif(), 16


def _load(load: Callable[[], Image.Exif]) -> Image.Exif | None:
    try:
        return load()
    except Exception:  # noqa: BLE001 - Pillow raises what it likes about EXIF that is damaged
        return None


def _parse(content: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(content)
    return exif


def _take(exif: Image.Exif | None, width: int, height: int) -> tuple[Camera, bytes | None, bool]:
    """Return the camera, the EXIF to keep, and whether nothing of it is damaged."""
    camera = Camera()
    if exif is None:
        return camera, None, False
    try:
        camera = read_camera(exif)
        return camera, _upright(exif, width, height), True
    except Exception:  # noqa: BLE001 - Pillow raises what it likes about values of an unusual type
        return camera, None, False


def _is_of_tiff(exif: Image.Exif | None) -> bool:
    """Whether these are a TIFF file's own tags, which describe its strips, too."""
    return exif is not None and (STRIPS in exif or TILES in exif)


def _upright(exif: Image.Exif, width: int, height: int) -> bytes | None:
    """Return EXIF for the pixels as they are now; None where there is none, or of TIFF. Pillow writes no thumbnail."""
    if not len(exif) or _is_of_tiff(exif):
        return None
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    if ExifTags.Base.ExifImageWidth in tags:
        tags[ExifTags.Base.ExifImageWidth], tags[ExifTags.Base.ExifImageHeight] = width, height
    if ExifTags.Base.Orientation in exif:
        exif[ExifTags.Base.Orientation] = 1
    _keep_bytes(exif)
    return exif.tobytes()


def _keep_bytes(exif: Image.Exif) -> None:
    """Turn texts into the bytes that Pillow read as Latin-1: it writes ASCII alone, with ? for names and the (c)."""
    for tag, value in list(exif.items()):
        if isinstance(value, str) and not value.isascii() and TiffTags.lookup(tag).type == TiffTags.ASCII:
            exif[tag] = value.encode("latin-1")
