"""Write path-traced scenes as folders in BLB's layout; what is finished is never rendered twice."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...core.atomic_files import write_atomically
from ...core.documents import read_mapping
from ...core.errors import DamagedDataError
from ...core.progress import ProgressBar
from ..files.exr import write_exr
from .objects import HALF_WIDTH, TracedScene
from .traced_scenes import FIRST_NUMBER, make_traced_scene
from .tracing import Tracer

VERSION = "1"
"""Changes whenever a scene or the tracer does: folders of another version are rendered again."""


def generate(output: Path, scenes: int, width: int, height: int, samples: int, radii_px: list[float]) -> None:
    """Render scenes 0 .. ``scenes`` - 1 into ``output``/100, /101, ...

    ``radii_px``: the largest blur radius of each level, when the whole range of disparity lies on one side of the
    focus. The same arguments give the same pictures up to the order in which paths are summed.
    """
    pictures = 2 + 2 * len(radii_px)
    with ProgressBar(total=scenes * pictures, unit="picture", desc="path tracing") as progress:
        for index in range(scenes):
            _generate_scene(output / str(FIRST_NUMBER + index), index, (width, height, samples), radii_px, progress)


def _generate_scene(
    folder: Path, index: int, settings: tuple[int, int, int], radii_px: list[float], progress: Any
) -> None:
    scene = make_traced_scene(index)
    width, height, samples = settings[0], settings[1], settings[2] * scene.effort
    made_with = {"version": VERSION, "kind": scene.kind, "size": [width, height], "samples": samples}
    made_with["radii"] = radii_px
    if _is_finished(folder, made_with):
        progress.update(2 + 2 * len(radii_px))
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "info.json").unlink(missing_ok=True)
    tracer = Tracer(scene, width, height, samples)
    depth = tracer.depth()
    write_exr(folder / "depth.exr", depth, half=False)
    progress.update()
    write_exr(folder / "image.exr", tracer.picture(None, scene.focus_depths[1]))
    progress.update()
    span = float(1.0 / depth.min() - 1.0 / depth.max())
    blur_parameters = [radius / span for radius in radii_px]
    for level, blur in enumerate(blur_parameters):
        for focus, distance in enumerate(scene.focus_depths):
            write_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr", tracer.picture(blur, distance))
            progress.update()
    info = _describe(scene, width, height, blur_parameters) | {"made_with": made_with}
    # Written last: a folder with a description is complete.
    text = json.dumps(info, indent=1) + "\n"
    write_atomically(folder / "info.json", lambda file: file.write(text.encode()))


def _describe(scene: TracedScene, width: int, height: int, blur_parameters: list[float]) -> dict[str, Any]:
    """Return what BLB's info.json holds, for a sensor one unit wide."""
    focal_px = width / 2 / HALF_WIDTH
    focal_length = 0.5 / HALF_WIDTH
    return {
        "resolution_x": width,
        "resolution_y": height,
        "focal_length": focal_length,
        "sensor_width": 1.0,
        "focus_distances": list(scene.focus_depths),
        "f_stops": [float(np.round(focal_length / (2 * blur / focal_px), 4)) for blur in blur_parameters],
        "blur_parameters": blur_parameters,
    }


def _is_finished(folder: Path, made_with: dict[str, Any]) -> bool:
    try:
        return read_mapping(folder / "info.json", "the scene's description").get("made_with") == made_with
    except DamagedDataError:  # absent, or cut off by a kill
        return False
