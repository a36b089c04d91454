"""``camera.json``: the numbers of the camera that a scene was rendered with, one record a renderer."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Literal

from ...core.documents import read_mapping
from ...core.errors import DamagedDataError, InvalidOptionError
from ...core.settings import read_settings
from ...core.text import unknown_name
from . import depths, lenses

LEAST_BLUR_SAMPLES = 100
MAY_BE_ZERO = ("near_clip", "clip_hither", "variance", "aperture_blades")


@dataclass(frozen=True, kw_only=True)
class Camera(ABC):
    """What every renderer's camera says. Lengths are scene units, z runs along the optical axis.

    - ``width``, ``height``: px of the whole picture, so that a crop is noticed.
    - ``focus_distance``: z of the plane that is sharp.
    - ``depth_through``: what the depth was rendered through; ``lens`` is refused.
    - ``pinhole``, ``depth``, ``lens``: the files, beside camera.json; pinhole and depth may be the same.
    - ``depth_channel``: full name of the channel, where the file does not make it clear.

    Raises InvalidOptionError for numbers that no camera has.
    """

    title: ClassVar[str]
    width: int
    height: int
    focus_distance: float
    depth_through: Literal["pinhole", "lens"]
    pinhole: str = "pinhole.exr"
    depth: str = "depth.exr"
    lens: str = "lens.exr"
    depth_channel: str | None = None

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not isinstance(value, int | float):
                continue
            angle = name.endswith("_deg")
            if value < 0 or (value == 0 and name not in MAY_BE_ZERO) or (angle and value >= 180):
                bound = "between 0 and 180" if angle else "of at least 0" if name in MAY_BE_ZERO else "above 0"
                raise InvalidOptionError(f"{name}: expected a number {bound}, got {value:g}")
        if self.depth_through == "lens":
            raise InvalidOptionError(
                "depth_through: depth that was rendered through the open lens belongs to no pixel: render it again "
                "with a pinhole"
            )
        if self.lens in (self.pinhole, self.depth):
            raise InvalidOptionError(f"lens: expected a file of its own, got {self.lens}, which is also a pinhole's")

    @property
    @abstractmethod
    def blur_strength(self) -> float:
        """Px of blur radius per unit of 1/z."""

    @abstractmethod
    def planar_depth(self, stored: depths.Depth) -> depths.Depth:
        """Return z (H,W) of a stored depth channel, infinity where nothing was hit."""

    def doubts(self) -> list[str]:
        """Return what about the camera differs from a round thin lens."""
        return []


@dataclass(frozen=True, kw_only=True)
class CyclesCamera(Camera):
    """Blender's, rendered by Cycles; all numbers as Blender shows them."""

    title = "Cycles"
    lens_mm: float
    f_stop: float
    sensor_fit: lenses.SensorFit
    sensor_width_mm: float
    sensor_height_mm: float
    aperture_blades: int = 0

    @property
    def blur_strength(self) -> float:
        """R F of its lens."""
        sensor, size = (self.sensor_width_mm, self.sensor_height_mm), (self.width, self.height)
        return lenses.cycles_blur_strength(self.lens_mm, self.f_stop, sensor, self.sensor_fit, size)

    def planar_depth(self, stored: depths.Depth) -> depths.Depth:
        """Return z (H,W), infinity where nothing was hit."""
        return depths.cycles_planar_depth(stored)

    def doubts(self) -> list[str]:
        """Return whether its aperture is a polygon."""
        if self.aperture_blades < 3:
            return []
        return [f"aperture_blades: {self.aperture_blades} make a polygon within the circle: use 0 for a disc"]


@dataclass(frozen=True, kw_only=True)
class MitsubaCamera(Camera):
    """Mitsuba's ``thinlens``; ``fov_x_deg`` is its ``x_fov``, whatever ``fov_axis`` the scene file names."""

    title = "Mitsuba"
    aperture_radius: float
    fov_x_deg: float
    near_clip: float

    @property
    def blur_strength(self) -> float:
        """R F of its lens."""
        return lenses.mitsuba_blur_strength(self.aperture_radius, self.fov_x_deg, self.width)

    def planar_depth(self, stored: depths.Depth) -> depths.Depth:
        """Return z (H,W), infinity where nothing was hit."""
        focal_px = lenses.focal_length_px(self.fov_x_deg, self.width)
        return depths.mitsuba_planar_depth(stored, self.near_clip, focal_px)


@dataclass(frozen=True, kw_only=True)
class LuxCoreCamera(Camera):
    """LuxCore's: ``lensradius``, ``fieldofview``, ``cliphither``; ``focus_distance`` is its ``focaldistance``."""

    title = "LuxCore"
    lens_radius: float
    fov_deg: float
    clip_hither: float

    @property
    def blur_strength(self) -> float:
        """R F of its lens."""
        return lenses.luxcore_blur_strength(self.lens_radius, self.fov_deg, (self.width, self.height))

    def planar_depth(self, stored: depths.Depth) -> depths.Depth:
        """Return z (H,W), infinity where nothing was hit."""
        focal_px = lenses.focal_length_px(self.fov_deg, max(self.width, self.height))
        return depths.luxcore_planar_depth(stored, self.clip_hither, focal_px)


@dataclass(frozen=True, kw_only=True)
class PovRayCamera(Camera):
    """POV-Ray's. It writes no depth: ``depth`` is z from elsewhere, in scene units, nothing hit as 0, inf or 1e10."""

    title = "POV-Ray"
    aperture: float
    angle_deg: float
    blur_samples: int
    variance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blur_samples < LEAST_BLUR_SAMPLES or self.variance > 0.0:
            raise InvalidOptionError(
                f"blur_samples, variance: expected at least {LEAST_BLUR_SAMPLES} and 0, got {self.blur_samples} and "
                f"{self.variance:g}: the disc is drawn too small or loses light: render it again"
            )

    @property
    def blur_strength(self) -> float:
        """R F of its lens."""
        return lenses.povray_blur_strength(self.aperture, self.angle_deg, self.width)

    def planar_depth(self, stored: depths.Depth) -> depths.Depth:
        """Return z (H,W), infinity where nothing was hit."""
        return depths.cycles_planar_depth(stored)


CAMERAS: Mapping[str, type[Camera]] = {
    "cycles": CyclesCamera,
    "mitsuba": MitsubaCamera,
    "luxcore": LuxCoreCamera,
    "povray": PovRayCamera,
}


def read_camera(path: Path) -> Camera:
    """Read a camera.json. Raises DamagedDataError, one line that names the file and the entry."""
    content = read_mapping(path, "the camera's numbers")
    renderer = content.pop("renderer", None)
    if not isinstance(renderer, str) or renderer not in CAMERAS:
        why = "missing entry" if renderer is None else unknown_name("renderer", str(renderer), list(CAMERAS))
        raise DamagedDataError(f"{path}: renderer: expected one of {', '.join(CAMERAS)}: {why}")
    try:
        camera = read_settings(CAMERAS[renderer], content)
        if not (math.isfinite(camera.blur_strength) and camera.blur_strength > 0.0):
            raise InvalidOptionError(f"expected a lens that blurs, got {camera.blur_strength:g} px per unit of 1/z")
    except (InvalidOptionError, OverflowError, ZeroDivisionError) as error:
        raise DamagedDataError(f"{path}: {error}") from error
    return camera
