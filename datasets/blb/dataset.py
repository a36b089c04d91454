"""The data set ``blb``, and what every data set in its layout shares.

Layout of the user's copy, ``data_root``/blb: folders named by numbers, each as ``files`` describes it. Where a
folder also holds maps ``disparity_<name>.*``, these are wrong versions of its disparity (BLB has 15
of each scene): the same pictures are rendered from them under the names ``blb-corrupted``.
"""

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch

from ...core.errors import BokehBenchError, DamagedDataError, MissingDataError
from ...core.scene import Scene
from ..files.data_root import require_folder
from ..files.digests import Parts, hash_scenes
from ..files.kinds import MEASURED_SUFFIXES
from ..files.maps import read_levels_or_disparity
from ..files.problems import check_size
from ..interface import SceneDataset
from ..members import Members, is_leftover, list_members
from .files import INFO, read_blb_scene, read_info, scene_files

TARGET = re.compile(r"bokeh_(\d\d)_(\d\d)\.exr")


@dataclass(frozen=True)
class Shot:
    """One picture of a scene folder: the numbers in its file's name, and a disparity that replaces the true one."""

    folder: Path
    level: int
    focus: int
    disparity: Path | None = None

    @property
    def name(self) -> str:
        """Return ``<folder>-<level>-<focus>`` with the numbers of the file's name, and the disparity's name."""
        version = "" if self.disparity is None else f"-{self.disparity.stem.removeprefix('disparity_')}"
        return f"{self.folder.name}-{self.level:02d}-{self.focus:02d}{version}"


class BlbLayout(SceneDataset):
    """Scene folders in ``data_root``/``subfolder``; one picture for each level of blur and focus distance.

    Sub-classes set the texts and say in ``grid`` which pictures a folder should hold. Whatever is damaged or absent
    shows when its picture is loaded, so that it costs that picture only.
    """

    about: ClassVar[str]
    """First part of the protocol."""

    subfolder: ClassVar[str]
    remedy: ClassVar[str]
    """What to get and where it is described, for the line that says that the set is absent."""

    version = "1"

    def __init__(
        self,
        name: str | None = None,
        data_root: Path | None = None,
        level: int | None = None,
        normalised: bool = False,
        corrupted: bool = False,
    ):
        """``level``: from 1, None for all; ``normalised``: disparity in [0,1]; ``corrupted``: with wrong disparity."""
        super().__init__(name, data_root)
        self.level, self.normalised, self.corrupted = level, normalised, corrupted
        self.true_disparity = not corrupted
        self._members: Members[Shot] = Members()
        self._folders = 0
        self.protocol = "; ".join(self._describe())

    def _describe(self) -> Iterator[str]:
        yield self.about
        yield f"{'all levels' if self.level is None else f'level {self.level}'} of blur, all focus distances"
        yield "disparity 1/depth, focus and blur strength (px per 1/depth) as described with the scenes"
        if self.normalised:
            yield "disparity then scaled to [0, 1] over each picture, focus and strength with it: the same blur in px"
        if self.corrupted:
            yield "each picture from every wrong disparity (disparity_* in the scene's folder), focus from the true one"
        yield "OpenEXR in linear light, display = linear^(1/2.2); ground truth and prediction clipped to [0, 1]"
        yield "intervals over scenes, not pictures"

    @cached_property
    def folder(self) -> Path:
        """The user's copy. Raises MissingDataError in one line that says what to get and where to put it."""
        return require_folder(self.name, self.data_root, self.subfolder, self.remedy)

    def grid(self, folder: Path) -> tuple[int, int]:
        """Return how many levels and focus distances a scene folder should hold. Raises MissingDataError."""
        info = read_info(folder)
        return len(info["blur_parameters"]), len(info["focus_distances"])

    def prepare(self) -> None:
        """Index the folders. Raises MissingDataError where there is no scene, or no such level or disparity in any."""
        if self._members.names:
            return
        members = list_members(_in_order(self.folder), self._look)
        if not members.names:
            raise MissingDataError(f"{self.name}: {self.folder}: {self._lacks(members)}")
        self._members, self.passed_over = members, members.passed_over

    def scene_names(self) -> Sequence[str]:
        """Return ``<folder>-<level>-<focus>`` of every picture, numbered from 00 as in the files' names."""
        self.prepare()
        return self._members.names

    def load(self, scene_name: str) -> Scene:
        """Read one picture; its ground truth is clipped to [0,1], the input may exceed 1.

        Raises UnknownNameError; MissingDataError, DamagedDataError or InvalidOptionError naming the file.
        """
        self.prepare()
        shot = self._members.pick(self.name, scene_name)
        scene = read_blb_scene(shot.folder, shot.level, shot.focus)
        assert scene.target is not None  # noqa: S101 - read_blb_scene sets it, said for the type checker
        scene = dataclasses.replace(scene, name=scene_name, target=scene.target.clamp(max=1.0))
        if shot.disparity is not None:
            scene = dataclasses.replace(scene, disparity=read_corrupted(shot.disparity, scene))
        return normalise_disparity(scene) if self.normalised else scene

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return digests of each picture's own files and its scene's description."""
        self.prepare()
        return hash_scenes(self.folder, scene_names, self._parts)

    def _parts(self, scene_name: str) -> Parts:
        shot = self._members.pick(self.name, scene_name)
        files = scene_files(shot.folder, shot.level, shot.focus)
        return {"version": self.version, **files, "wrong disparity": shot.disparity}

    def cluster(self, scene_name: str) -> str:
        """Return the scene folder's number: its pictures are no independent evidence."""
        self.prepare()
        shot = self._members.found.get(scene_name)
        return scene_name if shot is None else shot.folder.name

    def _look(self, folder: Path) -> dict[str, Shot] | None:
        """Return the pictures of a folder that is named by a number; other folders are no scenes."""
        numbered = folder.name.isdecimal()
        if not folder.is_dir():
            if numbered:
                raise DamagedDataError(f"{folder}: expected a folder, found none")
            return None
        if not _looks_like_a_scene(folder):
            return {} if numbered else None
        if not numbered:
            return {}
        self._folders += 1
        return {shot.name: shot for shot in self._find_shots(folder)} or None

    def _lacks(self, members: Members[Shot]) -> str:
        """Return what is absent where there is no scene."""
        if self._folders:
            wanted = "file disparity_*" if self.corrupted else f"level {self.level}"
            return f"no {wanted} in any of {self._folders} scene folders"
        others = f" (passed over: {', '.join(members.passed_over)})" if members.passed_over else ""
        return f"no scene folder named by a number with {INFO} or pictures{others}: {self.remedy}"

    def _find_shots(self, folder: Path) -> Iterator[Shot]:
        """Yield what should be there and what is there, in order."""
        try:
            levels, focuses = self.grid(folder)
        except BokehBenchError:  # raised again when a picture of this folder is loaded, where it is one failed case
            levels, focuses = (1, 1) if self.level is None else (self.level, 1)
        expected = {(level, focus) for level in range(levels) for focus in range(focuses)}
        found = {tuple(map(int, match.groups())) for f in folder.iterdir() if (match := TARGET.fullmatch(f.name))}
        disparities = _wrong_disparities(folder) if self.corrupted else [None]
        for level, focus in sorted(expected | found):
            if self.level in (None, level + 1):
                for disparity in disparities:
                    yield Shot(folder, level, focus, disparity)


class Blb(BlbLayout):
    """BLB: ten Blender scenes, five levels of blur, ten focus distances."""

    name = "blb"
    about = "BLB: 10 Blender scenes, each with 5 levels of blur (largest radius 10 to 50 px) and 10 focus distances"
    subfolder = "blb"
    remedy = (
        "get the BLB data set of BokehMe (github.com/JuewenPeng/BokehMe links it) and put its numbered scene folders "
        "there (docs/datasets.md has more); python -m bokehbench.datasets.pathtraced makes scenes of this kind"
    )
    terms = "BLB data set (Peng, Cao, Luo, Lu, Xian, Zhang, CVPR 2022); the user's own copy, not distributed here"
    LEVELS = 5
    FOCUS_DISTANCES = 10

    def grid(self, folder: Path) -> tuple[int, int]:
        """Return 5 and 10: what a folder lacks of these is a failed case."""
        return self.LEVELS, self.FOCUS_DISTANCES


def normalise_disparity(scene: Scene) -> Scene:
    """Scale the disparity to [0,1], and focus and blur strength with it: the defocus in px stays the same."""
    low = float(scene.disparity.min())
    span = float(scene.disparity.max()) - low
    return dataclasses.replace(
        scene,
        disparity=(scene.disparity - low) / span,
        focus_disparity=(scene.focus_disparity - low) / span,
        blur_strength=scene.blur_strength * span,
    )


def read_corrupted(path: Path, scene: Scene) -> torch.Tensor:
    """Read a wrong version of a scene's disparity: (1,H,W) float32 in units of 1/depth.

    Floats (OpenEXR, NumPy) are in these units, whole numbers (PNG) run over the true disparity's range, black =
    farthest.
    Raises DamagedDataError where the values lie elsewhere.
    """
    twins = [file.name for file in _wrong_disparities(path.parent) if file.stem == path.stem]
    if len(twins) > 1:
        raise DamagedDataError(f"{path.parent}: expected one map {path.stem}.*, got {' and '.join(twins)}")
    values, are_levels = read_levels_or_disparity(path)
    check_size(path, values, path.with_name("image.exr"), scene.image.permute(1, 2, 0).numpy())
    low, high = float(scene.disparity.min()), float(scene.disparity.max())
    disparity = torch.from_numpy(values)[None]
    if are_levels:
        return low + (high - low) * disparity
    if not low <= float(disparity.median()) <= high:
        raise DamagedDataError(
            f"{path}: its median is {float(disparity.median()):g}: expected 1/depth, from {low:g} to {high:g} here"
        )
    return disparity


def _in_order(root: Path) -> list[Path]:
    """List what lies in ``root``: what is named by a number first, in order."""
    return sorted(root.iterdir(), key=lambda f: (not f.name.isdecimal(), f.name.zfill(12), f.name))


def _looks_like_a_scene(folder: Path) -> bool:
    return os.path.lexists(folder / INFO) or any(
        file.suffix == ".exr" and not is_leftover(file.name) for file in folder.iterdir()
    )


def _wrong_disparities(folder: Path) -> list[Path]:
    files = (file for file in folder.glob("disparity_*") if not is_leftover(file.name))
    return sorted(file for file in files if file.suffix.lower() in MEASURED_SUFFIXES)
