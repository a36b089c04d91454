"""The camera that took a photograph, as far as its EXIF or the user says: what an f-number needs."""

import math
from dataclasses import dataclass

from PIL import ExifTags, Image

from ..core.errors import InvalidOptionError

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Focal lengths "in 35 mm film" give this diagonal the picture's field of view."""

REMEDY = "give --focal-length and --focal-length-35mm, or --radius"


@dataclass(frozen=True)
class Camera:
    """Focal length, and that of a full-frame camera with the same field of view, mm; None where not known."""

    focal_mm: float | None = None
    focal_35mm: float | None = None

    def blur_strength(self, f_number: float, width: int, height: int) -> float:
        """Return the blur radius in px for each 1/m that a point is off the focal plane.

        A thin lens of radius R = f / (2 N) metres and a focal length of F px in the picture: R F. Raises
        InvalidOptionError where a focal length is not known.
        """
        if not self.focal_mm or not self.focal_35mm:
            lacking = "focal length in 35 mm film" if self.focal_mm else "focal length"
            raise InvalidOptionError(f"--f-number {f_number:g}: the photograph does not say its {lacking}: {REMEDY}")
        focal_px = self.focal_35mm / FULL_FRAME_DIAGONAL_MM * math.hypot(width, height)
        return 0.001 * self.focal_mm / (2.0 * f_number) * focal_px


def read_camera(exif: Image.Exif) -> Camera:
    """Return what the EXIF of a photograph says; zero and nonsense count as nothing."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    return Camera(_number(tags.get(ExifTags.Base.FocalLength)), _number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm)))


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0.0 < number < math.inf else None
