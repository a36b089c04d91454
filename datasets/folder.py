"""The data set ``folder``: the user's own pictures with disparity, with or without ground truth.

One sub-folder of ``data_root`` per scene; its name is the scene's:

    DIR/scene.yaml             optional: settings that hold for every scene
    DIR/my scene/image.jpg     all in focus
    DIR/my scene/disparity.png larger = nearer; floats as they are, whole numbers scaled to [0,1]; or depth.exr: metres
    DIR/my scene/target.jpg    optional: the ground truth
    DIR/my scene/scene.yaml    optional: settings of this scene (.yml and .json as well)

A portrait photograph (HEIC, JPEG with GDepth) may carry its map itself.

Settings: ``focus_disparity`` (as stored; 1/m for a depth), ``focus_depth`` (metres), or ``focus_at: [x, y]`` (a click:
px from the top left of the upright picture); ``blur_strength`` (px per unit of disparity) or ``max_radius_px`` (the
largest blur radius in the picture); ``gamma`` (default 2.2); ``depth_unit`` (metres that a value of 1 stands for);
``depth_ray_fov`` (horizontal field of view in degrees, for depth along the ray); ``image``, ``disparity``, ``depth``,
``target``: other file names inside the scene's folder.
"""

import functools
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import DamagedDataError, IncompleteDataError, InvalidOptionError, MissingDataError
from ..core.optics import GAMMA
from ..core.scene import Scene
from ..core.text import printable
from .files.data_root import require_folder
from .files.digests import Parts, hash_scenes
from .files.kinds import read_embedded
from .files.maps import read_depth, read_disparity, read_embedded_disparity
from .files.pictures import as_tensor, read_picture
from .files.problems import check_size
from .files.role_files import (
    SETTINGS_FILES,
    absent,
    is_picture,
    map_file,
    plays_a_role,
    role_file,
    settings_files,
    stray_pictures,
)
from .folder_settings import (
    DEPTH_SETTINGS,
    MAP_SETTINGS,
    SceneOptions,
    is_number,
    merge_settings,
    number_of,
    read_settings,
)
from .interface import UserPictures
from .members import Members, is_leftover, list_members
from .pairs.focus import disparity_at

LAYOUT = (
    "one folder per scene with image.*, disparity.* or depth.*, and scene.yaml (focus_at, max_radius_px); "
    "docs/datasets.md has more"
)


class UserFolder(UserPictures):
    """Scenes in sub-folders of ``data_root``. Scored if at least one has a target."""

    name = "folder"
    protocol = "the user's own pictures; focus, blur strength and gamma as their scene.yaml says"
    terms = "the user's own"
    version = "2"

    def __init__(self, name: str | None = None, data_root: Path | None = None):
        super().__init__(name, data_root)
        self._members: Members[Path] = Members()

    @property
    def folder(self) -> Path:
        """The folder of scenes. Raises MissingDataError."""
        return require_folder(self.name, self.data_root, "", LAYOUT)

    def prepare(self) -> None:
        """Find the scenes. Raises MissingDataError where there is none."""
        if self._members.names:
            return
        members = list_members(sorted(self.folder.iterdir()), _look)
        folders = members.found
        if not members.names:
            raise MissingDataError(f"{self.name}: {self.folder}: holds no scene: expected {LAYOUT}")
        self._members, self.passed_over = members, members.passed_over
        self.unread = [f"{scene}/{printable(name)}" for scene in folders for name in self._strays(folders[scene])]
        self.scored = any(map(self.has_target, folders))

    def scene_names(self) -> Sequence[str]:
        """Return the sub-folders' names, sorted, those that cannot be looked into at the end."""
        self.prepare()
        return self._members.names

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return digests of each scene's image, map, target and settings; other files do not count."""
        self.prepare()
        return hash_scenes(self.folder, scene_names, self._parts)

    @functools.cached_property
    def _first_with(self) -> dict[str, str]:
        images = {scene: parts.get("image") or scene for scene, parts in self.contents(self.scene_names()).items()}
        first = {image: scene for scene, image in reversed(images.items())}
        return {scene: first[image] for scene, image in images.items()}

    def cluster(self, scene_name: str) -> str:
        """Return the first scene of the same photograph: its other scenes are no independent evidence."""
        return self._first_with.get(scene_name, scene_name)

    def _parts(self, scene_name: str) -> Parts:
        folder = self._members.pick(self.name, scene_name)
        settings = self._settings(folder)
        files = {role: role_file(folder, role, settings) for role in ("image", "target")}
        chosen = map_file(folder, settings)
        own = {"version": self.version, "settings": sorted(settings.items())}
        return own | files | dict([chosen] if chosen else [])

    def _settings(self, folder: Path) -> SceneOptions:
        return merge_settings(read_settings(self.folder), read_settings(folder))

    def _strays(self, folder: Path) -> list[str]:
        strays = stray_pictures(folder)
        try:
            named = self._settings(folder).values() if strays else ()
        except DamagedDataError:  # loading the scene says so
            return []
        return [name for name in strays if name not in named]

    def has_target(self, scene_name: str) -> bool:
        """Whether the scene's folder holds a target. True where its settings are damaged: loading it says so."""
        try:
            folder = self._members.pick(self.name, scene_name)
            return role_file(folder, "target", self._settings(folder)) is not None
        except DamagedDataError:
            return True

    def load(self, scene_name: str) -> Scene:
        """Read one scene. Raises UnknownNameError, MissingDataError or DamagedDataError naming the file."""
        self.prepare()
        folder = self._members.pick(self.name, scene_name)
        settings = self._settings(folder)
        gamma = number_of(settings, "gamma", folder, low=1.0) if "gamma" in settings else GAMMA
        image_file = role_file(folder, "image", settings)
        if image_file is None:
            raise absent(folder, ["image"], strays=self._strays(folder))
        image = read_picture(image_file, gamma)
        found = _read_map(folder, settings, image_file, image)
        if found is None:
            remedy = "; python -m bokehbench.datasets.pairs.estimate_disparity folder makes one"
            raise absent(folder, MAP_SETTINGS, remedy, self._strays(folder))
        disparity, is_metric = found
        target, target_file = None, role_file(folder, "target", settings)
        if target_file is not None:
            target = read_picture(target_file, gamma)
            check_size(target_file, target, image_file, image)
        focus = _focus(settings, disparity, is_metric, folder)
        return Scene(
            name=scene_name,
            image=as_tensor(image),
            disparity=torch.from_numpy(disparity)[None],
            focus_disparity=focus,
            blur_strength=_strength(settings, disparity, focus, folder),
            gamma=gamma,
            is_metric=is_metric,
            target=None if target is None else as_tensor(target),
        )

    def disparity_jobs(self, held_out: int) -> list[tuple[Path, Path]]:
        """Return (picture, map to make) of every scene without disparity.

        Raises InvalidOptionError for ``held_out`` > 0, nothing here lies outside the scenes; DamagedDataError for
        settings that cannot be read.
        """
        if held_out:
            raise InvalidOptionError(f"--held-out: {self.name} has no pictures outside its scenes")
        self.prepare()
        jobs = []
        for folder in self._members.found.values():
            settings = self._settings(folder)
            image = role_file(folder, "image", settings)
            if image is not None and image.is_file() and not _has_map(folder, settings, image):
                jobs.append((image, folder / "disparity.npy"))
        return jobs


def _look(path: Path) -> Mapping[str, Path] | None:
    """Return the scene that a folder is: one with settings, or with a file for one of the roles."""
    if path.is_dir():
        if settings_files(path) or any(map(plays_a_role, path.iterdir())):
            return {path.name: path}
        return {} if any(map(_may_be_meant, path.iterdir())) else None
    if path.is_symlink() and not path.exists() and not path.suffix:
        raise DamagedDataError(f"{path}: expected a folder, found a link that leads nowhere")
    return {} if _may_be_meant(path) else None


def _may_be_meant(path: Path) -> bool:
    return is_picture(path) and not is_leftover(path.name)


def _read_map(
    folder: Path, settings: SceneOptions, image_file: Path, image: NDArray[np.float32]
) -> tuple[NDArray[np.float32], bool] | None:
    """Return the scene's disparity (H,W), and whether it is in 1/m; None where there is no map."""
    unit, ray_fov = _depth_settings(settings, folder)
    chosen = map_file(folder, settings)
    if chosen is None:
        height, width = image.shape[:2]
        return read_embedded_disparity(image_file, height, width, ray_fov)
    role, file = chosen
    if role == "disparity" and (unit is not None or ray_fov is not None):
        raise DamagedDataError(f"{folder}: {' and '.join(DEPTH_SETTINGS)} belong to depth.*, the map is {file.name}")
    values = read_disparity(file) if role == "disparity" else read_depth(file, unit, ray_fov)
    check_size(file, values, image_file, image)
    return values, role == "depth"


def _has_map(folder: Path, settings: SceneOptions, image: Path) -> bool:
    """Whether there is a map or the picture carries one, whole or damaged: neither is made again."""
    try:
        return map_file(folder, settings) is not None or read_embedded(image) is not None
    except MissingDataError:
        return True


def _depth_settings(settings: SceneOptions, folder: Path) -> tuple[float | None, float | None]:
    unit, ray_fov = (number_of(settings, key, folder, low=0.0) if key in settings else None for key in DEPTH_SETTINGS)
    if unit == 0.0:
        raise DamagedDataError(f"{folder}: depth_unit: expected metres > 0, got 0")
    if ray_fov is not None and not 0.0 < ray_fov < 180.0:
        raise DamagedDataError(f"{folder}: depth_ray_fov: expected degrees between 0 and 180, got {ray_fov:g}")
    return unit, ray_fov


def _focus(settings: SceneOptions, disparity: NDArray[np.float32], is_metric: bool, folder: Path) -> float:
    if "focus_at" in settings:
        point = settings["focus_at"]
        if not (isinstance(point, list) and len(point) == 2 and all(map(is_number, point))):
            raise DamagedDataError(f"{folder}: focus_at: expected [x, y] in px, got {reprlib.repr(point)}")
        try:
            return disparity_at(disparity, *point)
        except DamagedDataError as error:
            raise DamagedDataError(f"{folder}: {error}") from error
    if "focus_depth" in settings:
        if not is_metric:
            raise DamagedDataError(f"{folder}: focus_depth: expected depth.*, got disparity: use focus_disparity")
        depth = number_of(settings, "focus_depth", folder, low=0.0)
        if depth == 0.0:
            raise DamagedDataError(f"{folder}: focus_depth: expected metres > 0, got 0")
        return 1.0 / depth
    if "focus_disparity" not in settings:
        raise IncompleteDataError(
            f"{folder}: the focus is not set: expected focus_at: [x, y], focus_disparity: NUMBER or, with depth.*, "
            f"focus_depth: METRES: add one to {SETTINGS_FILES[0]}"
        )
    return number_of(settings, "focus_disparity", folder)


def _strength(settings: SceneOptions, disparity: NDArray[np.float32], focus: float, folder: Path) -> float:
    if "max_radius_px" in settings:
        reach = max(abs(float(end) - focus) for end in (disparity.min(), disparity.max()))
        return number_of(settings, "max_radius_px", folder, low=0.0) / reach
    if "blur_strength" not in settings:
        raise IncompleteDataError(
            f"{folder}: the blur is not set: expected max_radius_px or blur_strength: add one to {SETTINGS_FILES[0]}"
        )
    return number_of(settings, "blur_strength", folder, low=0.0)
