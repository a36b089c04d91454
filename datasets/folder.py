"""The data set ``folder``: the user's own pictures with disparity, with or without ground truth.

One sub-folder of ``data_root`` per scene; its name is the scene's:

    DIR/scene.yaml             optional: settings that hold for every scene
    DIR/my scene/image.jpg     all in focus
    DIR/my scene/disparity.png larger = nearer; floats as they are, 8 and 16 bit scaled to [0,1]
    DIR/my scene/target.jpg    optional: the ground truth
    DIR/my scene/scene.yaml    optional: settings of this scene (.yml and .json as well)

Settings: ``focus_disparity`` (as stored), or ``focus_at: [x, y]`` (a click: px from the top left of the upright
picture); ``blur_strength`` (px per unit of disparity) or ``max_radius_px`` (the largest blur radius in the picture);
``gamma`` (default 2.2); ``image``, ``disparity``, ``target``: other file names inside the scene's folder.
"""

import math
import os
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.documents import read_document
from ..core.errors import DamagedDataError, IncompleteDataError, InvalidOptionError, MissingDataError
from ..core.optics import GAMMA
from ..core.scene import Scene
from .files.data_root import inside, require_folder
from .files.digests import Parts, hash_scenes
from .files.pictures import SUFFIXES, check_size, read_disparity, read_picture
from .interface import UserPictures
from .members import Members, is_leftover, list_members
from .pairs.focus import disparity_at

SETTINGS_FILES = ("scene.yaml", "scene.yml", "scene.json")
FOCUS_SETTINGS = ("focus_disparity", "focus_at")
STRENGTH_SETTINGS = ("blur_strength", "max_radius_px")
ROLES = ("image", "disparity", "target")
KNOWN_SETTINGS = (*FOCUS_SETTINGS, *STRENGTH_SETTINGS, "gamma", *ROLES)
LAYOUT = (
    "one folder per scene with image.*, disparity.* and scene.yaml (focus_at, max_radius_px); docs/datasets.md has more"
)
SceneOptions = Mapping[str, Any]


class UserFolder(UserPictures):
    """Scenes in sub-folders of ``data_root``. Scored if at least one has a target."""

    name = "folder"
    protocol = "the user's own pictures; focus, blur strength and gamma as their scene.yaml says"
    terms = "the user's own"
    version = "1"

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
        self.scored = any(map(self.has_target, folders))

    def scene_names(self) -> Sequence[str]:
        """Return the sub-folders' names, sorted, those that cannot be looked into at the end."""
        self.prepare()
        return self._members.names

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return digests of each scene's image, disparity, target and settings; other files do not count."""
        self.prepare()
        return hash_scenes(self.folder, scene_names, self._parts)

    def _parts(self, scene_name: str) -> Parts:
        folder = self._members.pick(self.name, scene_name)
        settings = merge_settings(read_settings(self.folder), read_settings(folder))
        files = {role: _role_file(folder, role, settings) for role in ROLES}
        return {"version": self.version, "settings": sorted(settings.items()), **files}

    def has_target(self, scene_name: str) -> bool:
        """Whether the scene's folder holds a target. True where its settings are damaged: loading it says so."""
        try:
            folder = self._members.pick(self.name, scene_name)
            settings = merge_settings(read_settings(self.folder), read_settings(folder))
            return _role_file(folder, "target", settings) is not None
        except DamagedDataError:
            return True

    def load(self, scene_name: str) -> Scene:
        """Read one scene. Raises UnknownNameError, MissingDataError or DamagedDataError naming the file."""
        self.prepare()
        folder = self._members.pick(self.name, scene_name)
        settings = merge_settings(read_settings(self.folder), read_settings(folder))
        gamma = _number(settings, "gamma", folder, low=1.0) if "gamma" in settings else GAMMA
        files = {role: _role_file(folder, role, settings) for role in ROLES}
        image = read_picture(_required(files["image"], folder, "image"), gamma)
        disparity_file = _required(files["disparity"], folder, "disparity")
        disparity = read_disparity(disparity_file)
        check_size(disparity_file, disparity, files["image"] or folder, image)
        target = None
        if files["target"] is not None:
            target = read_picture(files["target"], gamma)
            check_size(files["target"], target, files["image"] or folder, image)
        focus = _focus(settings, disparity, folder)
        return Scene(
            name=scene_name,
            image=_as_tensor(image),
            disparity=torch.from_numpy(disparity)[None],
            focus_disparity=focus,
            blur_strength=_strength(settings, disparity, focus, folder),
            gamma=gamma,
            target=None if target is None else _as_tensor(target),
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
            settings = merge_settings(read_settings(self.folder), read_settings(folder))
            image = _role_file(folder, "image", settings)
            if image is not None and image.is_file() and _role_file(folder, "disparity", settings) is None:
                jobs.append((image, folder / "disparity.npy"))
        return jobs


def read_settings(folder: Path) -> SceneOptions:
    """Read the settings file of ``folder``: YAML, of which JSON is a part; empty where there is none.

    Raises DamagedDataError for one that cannot be parsed, is no mapping, or has unknown keys.
    """
    found = [folder / name for name in SETTINGS_FILES if os.path.lexists(folder / name)]
    if len(found) > 1:
        raise DamagedDataError(f"{folder}: expected one file of settings, got {' and '.join(f.name for f in found)}")
    content = read_document(found[0], "YAML or JSON with settings") if found else None
    if content is None:
        return {}
    path = found[0]
    if not isinstance(content, dict):
        raise DamagedDataError(f"{path}: expected settings such as 'max_radius_px: 20', got {type(content).__name__}")
    unknown = [str(key) for key in content if key not in KNOWN_SETTINGS]
    if unknown:
        raise DamagedDataError(f"{path}: unknown setting '{unknown[0]}'. Known: {', '.join(KNOWN_SETTINGS)}")
    for group in (FOCUS_SETTINGS, STRENGTH_SETTINGS):
        if all(key in content for key in group):
            raise DamagedDataError(f"{path}: expected either {' or '.join(group)}, got both")
    return content


def merge_settings(common: SceneOptions, own: SceneOptions) -> SceneOptions:
    """Return a scene's settings over the common ones: its own focus replaces any common focus, strength likewise."""
    replaced = {key for group in (FOCUS_SETTINGS, STRENGTH_SETTINGS) if any(k in own for k in group) for key in group}
    return {key: value for key, value in common.items() if key not in replaced} | dict(own)


def _look(path: Path) -> Mapping[str, Path] | None:
    """Return the scene that a folder is: one with settings, or with a file for one of the roles."""
    if path.is_dir():
        if any(os.path.lexists(path / name) for name in SETTINGS_FILES) or any(_candidates(path, r) for r in ROLES):
            return {path.name: path}
        return {} if any(_is_picture(file) for file in path.iterdir()) else None
    if path.is_symlink() and not path.exists() and not path.suffix:
        raise DamagedDataError(f"{path}: expected a folder, found a link that leads nowhere")
    return {} if _is_picture(path) else None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not is_leftover(path.name)


def _candidates(folder: Path, role: str) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.stem.lower() == role and p.suffix.lower() in SUFFIXES)


def _find_file(folder: Path, role: str) -> Path | None:
    """Return ``role``.png, .jpg, ... in ``folder``; raises DamagedDataError where there are two of them."""
    found = _candidates(folder, role)
    if len(found) > 1:
        raise DamagedDataError(f"{folder}: expected one {role}, got {' and '.join(path.name for path in found)}")
    return found[0] if found else None


def _role_file(folder: Path, role: str, settings: SceneOptions) -> Path | None:
    if role in settings:
        return inside(folder, settings[role], folder / SETTINGS_FILES[0])
    return _find_file(folder, role)


def _required(file: Path | None, folder: Path, role: str) -> Path:
    if file is None:
        remedy = (
            "; python -m bokehbench.datasets.pairs.estimate_disparity folder makes one" if role == "disparity" else ""
        )
        raise MissingDataError(f"{folder}: expected {role}{{{','.join(SUFFIXES)}}}, found none{remedy}")
    return file


def _focus(settings: SceneOptions, disparity: NDArray[np.float32], folder: Path) -> float:
    if "focus_at" in settings:
        point = settings["focus_at"]
        if not (isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))):
            raise DamagedDataError(f"{folder}: focus_at: expected [x, y] in px, got {reprlib.repr(point)}")
        try:
            return disparity_at(disparity, *point)
        except DamagedDataError as error:
            raise DamagedDataError(f"{folder}: {error}") from error
    if "focus_disparity" not in settings:
        raise IncompleteDataError(
            f"{folder}: the focus is not set: expected focus_at: [x, y] or focus_disparity: NUMBER: "
            f"add one to {SETTINGS_FILES[0]}"
        )
    return _number(settings, "focus_disparity", folder)


def _strength(settings: SceneOptions, disparity: NDArray[np.float32], focus: float, folder: Path) -> float:
    if "max_radius_px" in settings:
        reach = float(np.abs(disparity - focus).max())
        return _number(settings, "max_radius_px", folder, low=0.0) / reach
    if "blur_strength" not in settings:
        raise IncompleteDataError(
            f"{folder}: the blur is not set: expected max_radius_px or blur_strength: add one to {SETTINGS_FILES[0]}"
        )
    return _number(settings, "blur_strength", folder, low=0.0)


def _number(settings: SceneOptions, key: str, folder: Path, low: float = -math.inf) -> float:
    value = settings[key]
    if not _is_number(value) or value < low:
        bound = f" of at least {low:g}" if low > -math.inf else ""
        raise DamagedDataError(f"{folder}: {key}: expected a number{bound}, got {reprlib.repr(value)}")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _as_tensor(picture: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
