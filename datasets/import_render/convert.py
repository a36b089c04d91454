"""One render of another program, read, converted, checked, and written as a scene of the data set ``folder``."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.atomic_files import write_atomically
from ...core.errors import BokehBenchError, DamagedDataError, InvalidOptionError
from ..files.data_root import inside
from ..files.exr import read_exr, write_exr
from ..files.problems import Problem, check_finite, refusal
from .camera import Camera, read_camera
from .checks import clipping_doubt

CAMERA_FILE = "camera.json"
SETTINGS_FILE = "scene.yaml"


@dataclass(frozen=True)
class Imported:
    """A scene that was written: its folder, px per unit of 1/z, the largest radius in px, and what looks wrong."""

    folder: Path
    renderer: str
    blur_strength: float
    largest_radius_px: float
    doubts: list[str]


@dataclass(frozen=True)
class Render:
    """What a folder holds: pictures (H,W,3) in linear light, depth (H,W) along the axis, infinity: nothing was hit."""

    camera: Camera
    pinhole: NDArray[np.float32]
    lens: NDArray[np.float32]
    depth: NDArray[np.float32]


def scene_name(source: Path) -> str:
    """Return what the scene made of the folder ``source`` is called."""
    return source.resolve().name


def import_render(source: Path, output: Path) -> Imported:
    """Read the render in ``source`` and write it as the scene ``output``/<name of source>.

    Depths and focus are in scene units, which ``folder`` calls metres; radii in px do not depend on that. Raises
    MissingDataError, DamagedDataError naming the file; InvalidOptionError where another scene is in the way, be it of
    another folder of that name. The same render may come again: its scene stays as it is, settings edited by hand too.
    """
    render = read_render(source)
    camera = render.camera
    hit = render.depth[np.isfinite(render.depth)]
    if not len(hit):
        raise DamagedDataError(f"{source / camera.depth}: nothing was hit anywhere: expected a depth channel")
    ends = [1.0 / float(hit.max()), 1.0 / float(hit.min())] + [0.0] * (len(hit) < render.depth.size)
    reach = max(abs(end - 1.0 / camera.focus_distance) for end in ends)
    folder = output / scene_name(source)
    _refuse_another(folder, source, render)
    if not (folder / SETTINGS_FILE).is_file():
        _write(folder, source, render)
    return Imported(folder, camera.title, camera.blur_strength, camera.blur_strength * reach, list(_doubts(render)))


def read_render(source: Path) -> Render:
    """Read and convert what ``source`` holds. Raises MissingDataError, DamagedDataError naming the file."""
    camera = read_camera(source / CAMERA_FILE)
    files = {role: inside(source, getattr(camera, role), source / CAMERA_FILE) for role in ("pinhole", "lens", "depth")}
    if os.path.realpath(files["lens"]) in (os.path.realpath(files["pinhole"]), os.path.realpath(files["depth"])):
        raise DamagedDataError(f"{files['lens']}: expected a file of its own, this is also a pinhole's")
    pinhole, lens = (read_exr(files[role]) for role in ("pinhole", "lens"))
    stored = read_exr(files["depth"], "depth", camera.depth_channel)
    for file, pixels in zip(files.values(), (pinhole, lens, stored), strict=True):
        _check_size(file, pixels, camera)
    _require_pinhole_depth(files, stored, camera)
    for role, picture in (("pinhole", pinhole), ("lens", lens)):
        check_finite(files[role], picture, "render it again")
        if picture.shape[2] != 3:
            raise refusal(files[role], Problem.NO_PICTURE, shape=picture.shape)
    return Render(camera, pinhole, lens, _convert(files["depth"], stored, camera))


def _require_pinhole_depth(files: Mapping[str, Path], stored: NDArray[np.float32], camera: Camera) -> None:
    """Raise DamagedDataError where the depth is the one that the lens picture's file holds as well."""
    try:
        through_lens = read_exr(files["lens"], "depth", camera.depth_channel)
    except DamagedDataError:  # it holds none, as it should
        return
    if np.array_equal(through_lens, stored):
        raise DamagedDataError(f"{files['depth']}: the depth of {camera.lens}, which a lens blurred: use the pinhole's")


def _check_size(file: Path, pixels: NDArray[np.float32], camera: Camera) -> None:
    height, width = pixels.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise DamagedDataError(
            f"{file}: {width}x{height} px, {CAMERA_FILE} says {camera.width}x{camera.height}: render the whole picture"
        )


def _convert(file: Path, stored: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Return the depth along the axis (H,W). Raises DamagedDataError for what no depth is."""
    check_finite(file, np.where(np.isposinf(stored), np.float32(0.0), stored), "write inf where nothing was hit")
    if (stored != stored[..., :1]).any():
        raise refusal(file, Problem.NO_MAP, role="depth", shape="x".join(map(str, stored.shape)))
    values = stored[..., 0]
    if bool((values < 0.0).any()):
        row, column = map(int, np.argwhere(values < 0.0)[0])
        raise refusal(file, Problem.NEGATIVE_DEPTH, value=float(values[row, column]), column=column, row=row)
    return camera.planar_depth(values)


def _doubts(render: Render) -> Iterator[str]:
    yield from (f"{CAMERA_FILE}: {doubt}" for doubt in render.camera.doubts())
    for name, picture in ((render.camera.pinhole, render.pinhole), (render.camera.lens, render.lens)):
        doubt = clipping_doubt(picture, np.isfinite(render.depth))
        if doubt is not None:
            yield f"{name}: {doubt}"


def _refuse_another(folder: Path, source: Path, render: Render) -> None:
    """Raise InvalidOptionError where ``folder`` holds something else than the scene of this render, whole or begun."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CAMERA_FILE).is_file():
        raise InvalidOptionError(f"{folder}: holds something else than an imported scene: choose another --output")
    if folder.is_dir() and folder.samefile(source):
        raise InvalidOptionError(f"{folder}: the scene would replace what it is made of: choose another --output")
    if (folder / SETTINGS_FILE).is_file() and not _is_same(folder, source, render):
        raise InvalidOptionError(
            f"{folder}: is the scene of another render than {source} holds now: remove it, or choose another --output"
        )


def _is_same(folder: Path, source: Path, render: Render) -> bool:
    try:
        return (
            (folder / CAMERA_FILE).read_bytes() == (source / CAMERA_FILE).read_bytes()
            and np.array_equal(read_exr(folder / "image.exr"), render.pinhole)
            and np.array_equal(read_exr(folder / "target.exr"), render.lens)
            and np.array_equal(read_exr(folder / "depth.exr", "depth")[..., 0], render.depth)
        )
    except (OSError, BokehBenchError):  # lost or damaged, so another
        return False


def _write(folder: Path, source: Path, render: Render) -> None:
    """Write the scene; its settings are last, so that what has them is whole."""
    camera = (source / CAMERA_FILE).read_bytes()
    write_atomically(folder / CAMERA_FILE, lambda file: file.write(camera))
    for name, pixels in (("image", render.pinhole), ("target", render.lens), ("depth", render.depth)):
        write_exr(folder / f"{name}.exr", pixels, half=False)
    settings = f"focus_depth: {render.camera.focus_distance!r}\nblur_strength: {render.camera.blur_strength!r}\n"
    write_atomically(folder / SETTINGS_FILE, lambda file: file.write(settings.encode()))
