"""Mitsuba renders a scene: the pinhole picture, the lens pictures, and depth composed with the cut-outs' alpha.

Source: Mitsuba 3 (Jakob et al.), plug-ins ``thinlens``, ``path``, ``mask``; a constant light over diffuse textures.
"""

import importlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import MissingDataError
from .objects import HALF_WIDTH, Ball, Lamp, Panel, Rod, Thing, TracedScene

MAX_SURFACES = 24
"""A ray is followed through this many cut-outs when depth is composed."""

LIGHT = 0.95
"""Radiance of the even light around a scene."""

MAX_BOUNCES = 24
"""Passing through a cut-out counts as one."""

DEPTH_SAMPLES = 64
PINHOLE_RADIUS_PX = 0.02


LEAST_LLVM = (19,)
WHICH_LLVM = "it needs 19 or newer: install libllvm19 and set DRJIT_LIBLLVM_PATH to libLLVM.so.19.1"


def load_mitsuba() -> Any:
    """Import mitsuba with its fastest CPU variant.

    Raises MissingDataError where mitsuba is not installed, or no LLVM that it works with: it starts with LLVM 15.0.6,
    too, whose code generator ends the whole process at the first minimum of two numbers.
    """
    try:
        mitsuba = importlib.import_module("mitsuba")
        drjit = importlib.import_module("drjit")
    except ImportError as error:
        raise MissingDataError(
            "path tracing needs mitsuba: pip install -c constraints.txt -e '.[pathtraced]'"
        ) from error
    try:
        mitsuba.set_variant("llvm_ad_rgb")
        version = drjit.detail.llvm_version()
    except (ImportError, RuntimeError) as error:
        raise MissingDataError(f"mitsuba finds no LLVM: {WHICH_LLVM}") from error
    if version < LEAST_LLVM:
        raise MissingDataError(f"mitsuba finds LLVM {'.'.join(map(str, version))}: {WHICH_LLVM}")
    return mitsuba


class Tracer:
    """A scene as a Mitsuba scene for pictures of ``width`` x ``height`` px. ``samples``: paths per pixel."""

    def __init__(self, scene: TracedScene, width: int, height: int, samples: int):
        self.mi = load_mitsuba()
        self.mi.set_log_level(self.mi.LogLevel.Error)
        self.title = f"Mitsuba {self.mi.__version__}"
        self.width, self.height, self.samples = width, height, samples
        self.seed = scene.seed
        description: dict[str, Any] = {"type": "scene", "light": {"type": "constant", "radiance": LIGHT}}
        for index, thing in enumerate(scene.objects):
            description[f"object{index:03d}"] = self._describe(thing)
        self.scene = self.mi.load_dict(description)

    @property
    def focal_px(self) -> float:
        """Image-plane focal length in px."""
        return self.width / 2 / HALF_WIDTH

    def picture(self, blur_parameter: float | None, focus_depth: float) -> NDArray[np.float32]:
        """Return (H,W,3) float32, linear, through a lens with ``blur_parameter`` px per 1/depth or a pinhole (None)."""
        pinhole = PINHOLE_RADIUS_PX * focus_depth
        radius = (pinhole if blur_parameter is None else blur_parameter) / self.focal_px
        integrator = self.mi.load_dict({"type": "path", "max_depth": MAX_BOUNCES})
        pixels = self.mi.render(
            self.scene,
            sensor=self._sensor(radius, focus_depth),
            integrator=integrator,
            spp=self.samples,
            seed=self.seed,
        )
        return np.asarray(pixels, np.float32)[..., :3]

    def depth(self) -> NDArray[np.float32]:
        """Return (H,W) float32: 1 / the mean of 1/z over each pixel's area, every surface weighted by its alpha."""
        mi = self.mi
        side = int(math.sqrt(DEPTH_SAMPLES))
        ticks = (np.arange(side) + 0.5) / side
        total = np.zeros((self.height, self.width))
        sensor = self._sensor(PINHOLE_RADIUS_PX / self.focal_px, 1.0)
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        for across in ticks:
            for down in ticks:
                film = mi.Point2f(((x + across) / self.width).ravel(), ((y + down) / self.height).ravel())
                total += self._inverse_depth(sensor, film).reshape(self.height, self.width)
        return (DEPTH_SAMPLES / total).astype(np.float32)

    def _inverse_depth(self, sensor: Any, film: Any) -> NDArray[np.float64]:
        mi, drjit = self.mi, importlib.import_module("drjit")
        ray, _ = sensor.sample_ray(0.0, 0.5, film, mi.Point2f(0.5, 0.5))
        through, total = mi.Float(1.0), mi.Float(0.0)
        for _ in range(MAX_SURFACES):
            hit = self.scene.ray_intersect(ray)
            valid = hit.is_valid()
            clear = hit.bsdf().eval_null_transmission(hit, valid)[0]
            total += drjit.select(valid, through * (1.0 - clear) / hit.p.z, 0.0)
            through = drjit.select(valid, through * clear, 0.0)
            ray = hit.spawn_ray(ray.d)
        return np.asarray(total, np.float64)

    def _sensor(self, radius: float, focus_depth: float) -> Any:
        return self.mi.load_dict(
            {
                "type": "thinlens",
                "fov": math.degrees(2 * math.atan(HALF_WIDTH)),
                "fov_axis": "x",
                "aperture_radius": radius,
                "focus_distance": focus_depth,
                "near_clip": 0.05,
                "to_world": self.mi.ScalarTransform4f().look_at([0, 0, 0], [0, 0, 1], [0, 1, 0]),
                "film": {
                    "type": "hdrfilm",
                    "width": self.width,
                    "height": self.height,
                    "pixel_format": "rgb",
                    "component_format": "float32",
                    "rfilter": {"type": "box"},
                },
                "sampler": {"type": "multijitter", "sample_count": self.samples},
            }
        )

    def _describe(self, thing: Thing) -> dict[str, Any]:
        place = self.mi.ScalarTransform4f
        if isinstance(thing, Rod):
            start, end = _position(thing.start), _position(thing.end)
            radius = thing.radius * HALF_WIDTH * thing.start[2]
            paint = {"type": "diffuse", "reflectance": {"type": "rgb", "value": thing.colour}}
            cylinder = {"type": "cylinder", "p0": start, "p1": end, "radius": radius}
            return cylinder | {"bsdf": {"type": "twosided", "bsdf": paint}}
        centre = _position(thing.at)
        scale = HALF_WIDTH * thing.at[2]
        if isinstance(thing, Lamp):
            emitter = {"type": "area", "radiance": {"type": "rgb", "value": thing.radiance}}
            return {"type": "sphere", "center": centre, "radius": thing.radius * scale, "emitter": emitter}
        if isinstance(thing, Ball):
            to_world = place().translate(centre).rotate([1, 0, 0], 90).scale(thing.radius * scale)
            return {"type": "sphere", "to_world": to_world, "bsdf": self._diffuse(thing.texture)}
        turned = place().translate(centre).rotate([1, 0, 0], thing.tilt[0]).rotate([0, 1, 0], thing.tilt[1])
        turned = turned.rotate([0, 0, 1], thing.tilt[2]).rotate([0, 1, 0], 180)
        to_world = turned.scale([thing.size[0] * scale, thing.size[1] * scale, 1.0])
        if isinstance(thing, Panel):
            light = {"type": "area", "radiance": self._bitmap(thing.radiance[::-1])}
            black = {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}}
            return {"type": "rectangle", "to_world": to_world, "emitter": light, "bsdf": black}
        # A rectangle's v runs upwards, a picture's rows downwards.
        bsdf: dict[str, Any] = {"type": "twosided", "bsdf": self._diffuse(thing.texture[::-1])}
        if thing.alpha is not None:
            opacity = {
                "type": "bitmap",
                "bitmap": self.mi.Bitmap(thing.alpha[..., None]),
                "raw": True,
                "wrap_mode": "clamp",
            }
            bsdf = {"type": "mask", "opacity": opacity, "bsdf": bsdf}
        return {"type": "rectangle", "to_world": to_world, "bsdf": bsdf}

    def _bitmap(self, radiance: NDArray[np.float32]) -> dict[str, Any]:
        bitmap = self.mi.Bitmap(np.array(radiance, np.float32, order="C"))
        return {"type": "bitmap", "bitmap": bitmap, "raw": True, "wrap_mode": "clamp"}

    def _diffuse(self, texture: NDArray[np.uint8]) -> dict[str, Any]:
        bitmap = self.mi.Bitmap(np.array(texture, order="C"))  # a writable copy
        return {"type": "diffuse", "reflectance": {"type": "bitmap", "bitmap": bitmap, "wrap_mode": "mirror"}}


def _position(at: tuple[float, float, float]) -> list[float]:
    # Looking along +z with y up, the picture's right is -x.
    across, down, depth = at
    return [-across * HALF_WIDTH * depth, -down * HALF_WIDTH * depth, depth]
