"""What ``ebb`` and ``realbokeh`` share: two photographs of a scene, one at a wide aperture, and estimated disparity."""

import os
import reprlib
import shlex
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.documents import read_mapping
from ...core.errors import BokehBenchError, DamagedDataError, MissingDataError
from ...core.scene import Scene
from ..files.data_root import require_folder
from ..files.digests import Parts, hash_scenes
from ..files.kinds import MEASURED_SUFFIXES
from ..files.maps import read_disparity
from ..files.pictures import as_tensor, read_picture
from ..files.problems import check_size
from ..interface import UserPictures
from ..members import Members
from .exposure import match_brightness, match_channels
from .focus import estimate_focus
from .strength_file import Strength, read_strength

Picture = NDArray[np.float32]

ALIGNMENTS: Mapping[str, Callable[[Picture, Picture], Picture] | None] = {
    "none": None,
    "channels": match_channels,
    "brightness": match_brightness,
}
"""How the input's exposure is brought to the target's."""

ALIGNMENT_TEXTS = {
    "none": "exposure as photographed",
    "channels": "input's exposure aligned: one gain per channel to the target's mean (display-encoded), then clipped",
    "brightness": "input's exposure aligned: one gain to the target's mean (display-encoded), then clipped",
}
FOCUS_FILE = "focus.json"
"""Optional, beside the data: focus disparity, scaled to [0,1], by scene, where it cannot be estimated well."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An all-in-focus photograph, and the same at a wider aperture.

    - ``scene``: the independent unit it belongs to;
    - ``disparity``: path of the estimated map without its suffix;
    - ``widest``: the scene's photograph at its widest aperture, which tells best where it was focused;
    - ``f_number``: of the target's aperture;
    - ``relative_aperture``: diameter of the target's aperture over the one that the blur strength belongs to;
    - ``one_of_several``: whether the photograph is asked for at other apertures, too.
    - ``clean``: where the source is degraded, the photograph before that: the focus is estimated from it.
    """

    name: str
    scene: str
    source: Path
    target: Path
    disparity: Path
    widest: Path
    f_number: float
    relative_aperture: float = 1.0
    one_of_several: bool = False
    clean: Path | None = None

    @property
    def disparity_file(self) -> Path:
        """The map that is there, else the one that is expected."""
        return next(iter(self.disparity_files), self.disparity.with_name(f"{self.disparity.name}.npy"))

    @property
    def disparity_files(self) -> list[Path]:
        """All maps that are there: one, where it is clear which is meant."""
        files = (self.disparity.with_name(self.disparity.name + suffix) for suffix in MEASURED_SUFFIXES)
        return [file for file in files if file.is_file()]


class PhotographPairs(UserPictures):
    """Pairs in ``data_root``/``subfolder``. Sub-classes list them and set the texts and constants below.

    Disparity is estimated (``python -m bokehbench.datasets.pairs.estimate_disparity``), scaled to [0,1] over each
    picture. The focus is estimated from what is sharp in both photographs, unless focus.json in the folder gives it.
    One blur strength holds for the whole set: that of blur_strength.json in the folder (``python -m
    bokehbench.benchmarks.fit_blur_strength``), else ``default_strength``.
    """

    subfolder: ClassVar[str]
    remedy: ClassVar[str]
    """What to get and where it is described, for the line that says that the set is absent."""

    about: str
    """First part of the protocol: split and pictures."""

    default_strength: ClassVar[float]
    """px per unit of disparity at the widest aperture, used (and said so) until one is fitted or given."""

    version = "1"
    true_disparity = False

    def __init__(self, name: str | None = None, data_root: Path | None = None, alignment: str = "none"):
        super().__init__(name, data_root)
        self.alignment = alignment
        self._members: Members[Pair] = Members()
        self._estimated_focus: dict[str, float] = {}
        self.strength = Strength(self.default_strength)
        self.protocol = f"{self.about}; {ALIGNMENT_TEXTS[alignment]}"

    @property
    def folder(self) -> Path:
        """The user's copy. Raises MissingDataError in one line that says what to get and where to put it."""
        return require_folder(self.name, self.data_root, self.subfolder, self.remedy)

    @abstractmethod
    def find_pairs(self) -> Members[Pair]:
        """List the scored pairs, whether their files are there or not, and the scenes that cannot be listed.

        Raises MissingDataError where there is nothing to list.
        """

    @abstractmethod
    def find_held_out(self) -> Sequence[Pair]:
        """List the pairs outside the scored split whose pictures are there: a blur strength may be fitted on these.

        Raises DamagedDataError for a damaged description.
        """

    def prepare(self) -> None:
        """Index the files. Raises MissingDataError where the pictures or all disparity files are absent."""
        if self._members.names:
            return
        members = self.find_pairs()
        pairs = members.found
        if pairs and not any(pair.source.is_file() for pair in pairs.values()):
            example = next(iter(pairs.values())).source
            raise MissingDataError(
                f"{self.name}: {self.folder}: no picture of the split, such as {example}: {self.remedy}"
            )
        if pairs and not any(pair.disparity_file.is_file() for pair in pairs.values()):
            raise MissingDataError(
                f"{self.name}: {self.folder}: no disparity beside the pictures: "
                f"make it with  {disparity_command(self.name, self.data_root)}"
            )
        stored = read_strength(self.folder, list(pairs))
        self.strength = stored or Strength(self.default_strength)
        given = f"; focus of {len(self._given_focus)} scenes given in {FOCUS_FILE}" if self._given_focus else ""
        self.protocol = f"{self.about}{given}; {ALIGNMENT_TEXTS[self.alignment]}; {self._strength_text(stored)}"
        self._members, self.passed_over = members, members.passed_over

    def scene_names(self) -> Sequence[str]:
        """Return the names of all pairs of the split, those with a damaged description at the end."""
        self.prepare()
        return self._members.names

    def load(self, scene_name: str) -> Scene:
        """Read one pair. Raises UnknownNameError, MissingDataError or DamagedDataError naming the file."""
        self.prepare()
        pair = self._members.pick(self.name, scene_name)
        return self.read_pair(pair, self.strength.blur_strength, self.alignment)

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return digests of each pair's files, and of its focus and blur strength as far as they are given."""
        self.prepare()
        return hash_scenes(self.folder, scene_names, self._parts)

    def _parts(self, scene_name: str) -> Parts:
        pair = self._members.pick(self.name, scene_name)
        focus = self._given_focus.get(pair.scene)
        files = {"image": pair.source, "target": pair.target, "disparity": pair.disparity_file}
        if focus is None:
            files["widest aperture"] = pair.widest  # the focus is estimated from it, and from the clean picture
            files |= {} if pair.clean is None else {"clean": pair.clean}
        settings = (self.version, focus, self.strength.blur_strength, pair.relative_aperture, pair.f_number)
        return {**files, "settings": settings}

    def cluster(self, scene_name: str) -> str:
        """Return the photographed scene."""
        self.prepare()
        pair = self._members.found.get(scene_name)
        return scene_name if pair is None else pair.scene

    def read_pair(self, pair: Pair, blur_strength: float, alignment: str, *, depth: bool = True) -> Scene:
        """Return ``pair`` as a Scene; ``blur_strength``: px per unit of disparity at the widest aperture.

        Without ``depth`` no map is read: for renderers that take none.
        """
        source, target = read_picture(pair.source), read_picture(pair.target)
        check_size(pair.target, target, pair.source, source)
        disparity = self._read_disparity(pair, source) if depth else np.zeros(source.shape[:2], np.float32)
        focus = self._focus_of(pair, source, target, disparity) if depth else 0.0
        align = ALIGNMENTS[alignment]
        if align is not None:
            source = _naming(pair.source, lambda: align(source, target))
        return Scene(
            name=pair.name,
            image=as_tensor(source),
            disparity=torch.from_numpy(disparity)[None],
            focus_disparity=focus,
            blur_strength=blur_strength * pair.relative_aperture,
            f_number=pair.f_number,
            target=as_tensor(target),
            one_of_several=pair.one_of_several,
        )

    def disparity_jobs(self, held_out: int) -> list[tuple[Path, Path]]:
        """Return (picture, map to make) for every picture of the split and ``held_out`` scenes outside it."""
        pairs = [
            *self.find_pairs().found.values(),
            *(evenly_chosen(self.find_held_out(), held_out) if held_out else ()),
        ]
        jobs = {pair.source: pair.disparity.with_name(f"{pair.disparity.name}.npy") for pair in pairs}
        have = {pair.source for pair in pairs if pair.disparity_file.is_file()}
        return [(source, made) for source, made in jobs.items() if source.is_file() and source not in have]

    @cached_property
    def _given_focus(self) -> dict[str, float]:
        return read_focus(self.folder)

    def _read_disparity(self, pair: Pair, source: Picture) -> Picture:
        path = pair.disparity_file
        if not path.is_file():
            command = disparity_command(self.name, self.data_root)
            raise MissingDataError(f"{path}: no such disparity file: make it with  {command}")
        if len(pair.disparity_files) > 1:
            names = " and ".join(file.name for file in pair.disparity_files)
            raise DamagedDataError(f"{path.parent}: expected one map for {pair.name}, got {names}")
        disparity = read_disparity(path)
        check_size(path, disparity, pair.source, source)
        low, high = disparity.min(), disparity.max()
        return (disparity - low) / (high - low)

    def _focus_of(self, pair: Pair, source: Picture, target: Picture, disparity: Picture) -> float:
        if pair.scene in self._given_focus:
            return self._given_focus[pair.scene]
        if pair.scene not in self._estimated_focus:
            widest = target if pair.widest == pair.target else read_picture(pair.widest)
            check_size(pair.widest, widest, pair.source, source)
            clean = pair.clean or pair.source
            sharp = source if clean == pair.source else read_picture(clean)
            focus = estimate_focus(sharp, widest, disparity)
            if focus is None:
                raise DamagedDataError(
                    f"{pair.widest}: nothing in it is as sharp as in {clean}: no focus found: where the pictures "
                    f'are right, put  {{"{pair.scene}": DISPARITY IN [0, 1]}}  into {self.folder / FOCUS_FILE}'
                )
            self._estimated_focus[pair.scene] = focus
        return self._estimated_focus[pair.scene]

    def _strength_text(self, stored: Strength | None) -> str:
        origin = stored.origin if stored else "a default, neither fitted nor measured"
        return f"blur strength {self.strength.blur_strength:.4g} px per unit of scaled disparity ({origin})"


def read_focus(folder: Path) -> dict[str, float]:
    """Read the focus disparities given by hand in ``folder``; none where there is no such file.

    Raises DamagedDataError for anything but numbers in [0,1] by scene.
    """
    path = folder / FOCUS_FILE
    if not os.path.lexists(path):
        return {}
    content = read_mapping(path, "disparities in [0, 1] by scene")
    for scene, value in content.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
            raise DamagedDataError(f"{path}: {scene}: expected a disparity in [0, 1], got {reprlib.repr(value)}")
    return {scene: float(value) for scene, value in content.items()}


def evenly_chosen(items: Sequence[Pair], count: int) -> list[Pair]:
    """Return ``count`` items, evenly spread over the whole sequence; all where there are fewer."""
    if len(items) <= count:
        return list(items)
    return [items[(2 * index + 1) * len(items) // (2 * count)] for index in range(count)]


def disparity_command(name: str, data_root: Path | None) -> str:
    """Return the command that makes the disparity of a data set."""
    return f"python -m bokehbench.datasets.pairs.estimate_disparity {name} --data-root {shlex.quote(str(data_root))}"


def _naming(path: Path, work: Callable[[], Picture]) -> Picture:
    try:
        return work()
    except BokehBenchError as error:
        raise DamagedDataError(f"{path}: {error}") from error
