"""Write path-traced scenes as folders in BLB's layout; what is finished is never rendered twice."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from ...core.documents import read_mapping
from ...core.errors import DamagedDataError
from ...core.progress import ProgressBar
from ..files.exr import write_exr
from .cycles import CyclesTracer
from .objects import HALF_WIDTH, TracedScene
from .traced_scenes import FIRST_NUMBER, make_traced_scene
from .tracing import Tracer

VERSION = "1"
"""Changes whenever a scene or the tracer does: folders of another version are rendered again."""


SENSOR_MM = 36.0

MITSUBA, CYCLES = ENGINES = ("mitsuba", "cycles")


class SceneTracer(Protocol):
    """A scene inside a program that renders it: ``Tracer`` says what is returned. ``title``: program and version."""

    title: str

    def picture(self, blur_parameter: float | None, focus_depth: float) -> NDArray[np.float32]:
        """Render through a lens, or a pinhole (None)."""

    def depth(self) -> NDArray[np.float32]:
        """Render depth."""


@dataclass(frozen=True)
class Settings:
    """``size``: width and height, px; ``samples``: paths per pixel.

    ``radii_px``: the largest blur radius of each level, when the whole range of disparity is on one side of the focus;
    ``engine``: one of ENGINES; ``bpy_python``: for Cycles, as ``cycles.find_bpy`` takes it.
    """

    size: tuple[int, int]
    samples: int
    radii_px: list[float]
    engine: str = MITSUBA
    bpy_python: Path | None = None

    def open(self, scene: TracedScene) -> SceneTracer:
        """Give a scene to the program that renders it. Raises MissingDataError where that is not installed."""
        request = (scene, *self.size, self.samples * scene.effort)
        return CyclesTracer(*request, self.bpy_python) if self.engine == CYCLES else Tracer(*request)

    def describe(self, scene: TracedScene) -> dict[str, Any]:
        """Return what makes a scene's pictures, beside the version of the program that renders them."""
        return {
            "version": VERSION,
            "engine": self.engine,
            "kind": scene.kind,
            "size": list(self.size),
            "samples": self.samples * scene.effort,
            "radii": self.radii_px,
        }


def generate(output: Path, scenes: int, settings: Settings) -> None:
    """Render scenes 0 .. ``scenes`` - 1 into ``output``/100, /101, ...

    The same arguments give the same pictures up to the order in which paths are summed. Raises MissingDataError where
    the program that renders is not installed.
    """
    pictures = 2 + 2 * len(settings.radii_px)
    with ProgressBar(total=scenes * pictures, unit="picture", desc="path tracing") as progress:
        for index in range(scenes):
            _generate_scene(output / str(FIRST_NUMBER + index), index, settings, progress)


def _generate_scene(folder: Path, index: int, settings: Settings, progress: Any) -> None:
    scene = make_traced_scene(index)
    width, height = settings.size
    made_with = settings.describe(scene)
    if _is_finished(folder, made_with):
        progress.update(2 + 2 * len(settings.radii_px))
        return
    tracer = settings.open(scene)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "info.json").unlink(missing_ok=True)
    depth = tracer.depth()
    write_exr(folder / "depth.exr", depth, half=False)
    progress.update()
    write_exr(folder / "image.exr", tracer.picture(None, scene.focus_depths[1]))
    progress.update()
    span = float(1.0 / depth.min() - 1.0 / depth.max())
    blur_parameters = [radius / span for radius in settings.radii_px]
    for level, blur in enumerate(blur_parameters):
        for focus, distance in enumerate(scene.focus_depths):
            write_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr", tracer.picture(blur, distance))
            progress.update()
    info = _describe(scene, width, height, blur_parameters) | {"engine": tracer.title, "made_with": made_with}
    # Written last: a folder with a description is complete.
    text = json.dumps(info, indent=1) + "\n"
    write_atomically(folder / "info.json", lambda file: file.write(text.encode()))


def _describe(scene: TracedScene, width: int, height: int, blur_parameters: list[float]) -> dict[str, Any]:
    """Return what BLB's info.json holds, in Blender's terms: a lens's radius is focal_length / 1000 / (2 f_stop)."""
    focal_length = SENSOR_MM / 2.0 / HALF_WIDTH
    radii = [blur / (width / 2 / HALF_WIDTH) for blur in blur_parameters]
    return {
        "resolution_x": width,
        "resolution_y": height,
        "focal_length": focal_length,
        "sensor_width": SENSOR_MM,
        "focus_distances": list(scene.focus_depths),
        "f_stops": [focal_length / 1000.0 / (2.0 * radius) for radius in radii],
        "blur_parameters": blur_parameters,
    }


def _is_finished(folder: Path, made_with: dict[str, Any]) -> bool:
    try:
        found = read_mapping(folder / "info.json", "the scene's description").get("made_with")
    except DamagedDataError:  # absent, or cut off by a kill
        return False
    # Descriptions named no program while Mitsuba was the only one.
    return isinstance(found, dict) and {"engine": MITSUBA} | found == made_with
