"""Cycles renders a scene, by Blender as a Python module (bpy) in a Python of its own: the same as ``tracing`` does.

Source: Blender 5 (Cycles); constant light over diffuse textures, which mean the same to both programs. Depth is a
render of its own, of surfaces that shine with 1/z, so that each counts by its opacity.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import MissingDataError, OutsideError
from ...core.programs import ProcessGroup, ask_program
from ..files.exr import read_exr
from .meshes import make_mesh
from .objects import HALF_WIDTH, Ball, Card, Lamp, Panel, Rod, Thing, TracedScene
from .tracing import LIGHT, MAX_BOUNCES

SCRIPT = Path(__file__).with_name("cycles_script.py")
VARIABLE = "BOKEHBENCH_BPY_PYTHON"
REMEDY = (
    f"python3.13 -m venv DIR && DIR/bin/pip install bpy==5.2.3 numpy, then --bpy-python DIR/bin/python or {VARIABLE}"
)
START_LIMIT_S = 120.0
PICTURE_LIMIT_S = 86400.0

DEPTH_SAMPLES = 1024
"""Paths per pixel for depth: random ones, where Mitsuba's are a grid of 64."""


def find_bpy(python: Path | None) -> tuple[Path, str]:
    """Return the Python that has bpy, and Blender's version; None: the one that VARIABLE names.

    Raises MissingDataError where there is none.
    """
    named = python or os.environ.get(VARIABLE)
    if not named:
        raise MissingDataError(f"Cycles needs bpy in a Python of its own: {REMEDY}")
    path = Path(named).expanduser().absolute()
    asks = "import bpy, numpy; print('version', bpy.app.version_string)"
    said = (ask_program([path, "-I", "-c", asks], START_LIMIT_S) or "").split()
    if "version" not in said:
        raise MissingDataError(f"{path}: expected a Python that imports bpy and numpy: {REMEDY}")
    return path, said[said.index("version") + 1]


class CyclesTracer:
    """A scene for pictures of ``width`` x ``height`` px by Cycles. ``samples``: paths per pixel.

    ``python``: as ``find_bpy`` takes it. Raises MissingDataError where there is no bpy.
    """

    def __init__(self, scene: TracedScene, width: int, height: int, samples: int, python: Path | None = None):
        self.python, version = find_bpy(python)
        self.title = f"Cycles (bpy {version})"
        self.width, self.height, self.samples = width, height, samples
        self.seed = scene.seed
        self.things = scene.objects

    @property
    def focal_px(self) -> float:
        """Image-plane focal length in px."""
        return self.width / 2 / HALF_WIDTH

    def picture(self, blur_parameter: float | None, focus_depth: float) -> NDArray[np.float32]:
        """Return (H,W,3) float32, linear, through a lens with ``blur_parameter`` px per 1/depth or a pinhole (None).

        Raises OutsideError where Blender fails.
        """
        radius = None if blur_parameter is None else float(blur_parameter) / self.focal_px
        return self._render({"lens_radius": radius, "focus_depth": float(focus_depth), "samples": self.samples})

    def depth(self) -> NDArray[np.float32]:
        """Return (H,W) float32: 1 / the mean of 1/z over each pixel's area, every surface weighted by its opacity.

        Raises OutsideError where Blender fails.
        """
        inverse = self._render({"lens_radius": None, "samples": DEPTH_SAMPLES, "inverse_depth": True})[..., 0]
        with np.errstate(divide="ignore"):  # where nothing is, which reading the scene refuses
            return 1.0 / inverse

    def _render(self, settings: dict[str, Any]) -> NDArray[np.float32]:
        with tempfile.TemporaryDirectory(prefix="bokehbench-cycles-") as name:
            folder = Path(name)
            order: dict[str, Any] = {
                "inverse_depth": False,
                "width": self.width,
                "height": self.height,
                "half_width": HALF_WIDTH,
                "seed": self.seed,
                "light": LIGHT,
                "bounces": MAX_BOUNCES,
                "things": [_paint(thing) for thing in self.things],
                "arrays": str(folder / "arrays.npz"),
                "picture": str(folder / "picture.exr"),
            }
            arrays = {f"{i}/{key}": one for i, thing in enumerate(self.things) for key, one in _arrays(thing).items()}
            np.savez(order["arrays"], **arrays)  # type: ignore[arg-type]
            (folder / "order.json").write_text(json.dumps(order | settings))
            self._run(folder)
            return read_exr(folder / "picture.exr")

    def _run(self, folder: Path) -> None:
        command = [self.python, "-I", SCRIPT, folder / "order.json"]
        with ProcessGroup(command, folder, folder / "log.txt", temporary=folder) as blender:
            done = blender.wait(PICTURE_LIMIT_S)
            if not done or blender.status != 0:
                how = blender.describe_end() if done else f"no picture within {PICTURE_LIMIT_S:g} s"
                raise OutsideError(f"{self.title}: {how}: see that {self.python} renders by hand")


def _paint(thing: Thing) -> dict[str, Any]:
    """Return what a thing is painted with, beside its arrays."""
    colour = thing.colour if isinstance(thing, Rod) else thing.radiance if isinstance(thing, Lamp) else None
    return {
        "shines": isinstance(thing, Lamp | Panel),
        "colour": colour,
        "is_round": not isinstance(thing, Card | Panel),
    }


def _arrays(thing: Thing) -> dict[str, NDArray[Any]]:
    """Return a thing's mesh and bitmaps, linear, with the rows that Mitsuba gets."""
    mesh = make_mesh(thing)
    arrays: dict[str, NDArray[Any]] = {"points": mesh.points, "faces": mesh.faces, "uv": mesh.uv}
    if isinstance(thing, Ball):
        arrays["texture"] = _srgb_to_linear(thing.texture)
    elif isinstance(thing, Card):
        arrays["texture"] = _srgb_to_linear(thing.texture[::-1])
        if thing.alpha is not None:
            arrays["opacity"] = thing.alpha
    elif isinstance(thing, Panel):
        arrays["texture"] = thing.radiance[::-1]
    return arrays


def _srgb_to_linear(texture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return linear light (h,w,3) in [0,1]. Source: IEC 61966-2-1."""
    encoded = np.arange(256) / 255.0
    table = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[texture]
