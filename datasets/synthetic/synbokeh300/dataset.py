"""The scenes as a data set: out of the cache, where they are generated when asked for, or out of the user's folder."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....core.errors import MissingDataError
from ....core.scene import Scene
from ...files.digests import hash_scenes
from ..cache import read_shard
from ..generated_scenes import GeneratedScenes
from ..photographs import PHOTOGRAPHS
from ..recipes import SceneRecipe
from ..sources import PACKAGED
from .recipes import INDEX, make_index, make_recipes, read_index

PROTOCOL = (
    "1 to 3 cut-outs and a photograph on tilted planes, 512x512; focus on the mean disparity of one layer; blur "
    "strength from the scene's largest radius (4 to 48 px); ground truth ray-traced in linear light (gamma 2.2); "
    "picture and disparity are alpha composites of the layers; picture and ground truth 8-bit, disparity exact; "
    "intervals over the background photographs"
)


class SynBokeh300(GeneratedScenes):
    """The scenes in ``data_root``/synbokeh300 where there are some, else those from packaged pictures, in the cache."""

    name = "synbokeh300"
    protocol = f"{PROTOCOL}, of which there are only {len(PACKAGED.photographs)}"
    terms = "cut-outs painted by this program; photographs out of scikit-image and matplotlib: " + "; ".join(
        f"{name} ({PHOTOGRAPHS[name].terms})" for name in sorted(PACKAGED.photographs)
    )
    recipes: Sequence[SceneRecipe] = make_recipes()
    version = make_index()["version"]

    def __init__(self, name: str | None = None, data_root: Path | None = None):
        super().__init__(name, data_root)
        own = None if data_root is None else data_root / "synbokeh300"
        self._own_folder = own if own is not None and os.path.lexists(own / INDEX) else None

    @property
    def folder(self) -> Path:
        """Where the scenes lie."""
        return self._own_folder or super().folder

    def prepare(self) -> None:
        """Read the index of the user's folder, where there is one. Raises DamagedDataError."""
        if self._own_folder is not None:
            self.describe(read_index(self._own_folder))

    def describe(self, index: Mapping[str, Any]) -> None:
        """Take over what scenes.json says: recipes, version, and whose pictures they are."""
        self.recipes, self.version = index["recipes"], index["version"]
        photographs, cutouts = index["own_photographs"], index["own_cutouts"]
        if photographs or cutouts:
            self.protocol = f"{PROTOCOL}; the user's pictures: {photographs} photographs, {cutouts} cut-outs"
            self.terms = f"the user's pictures; the rest: {SynBokeh300.terms}"

    def contents(self, scene_names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the version, and digests of the files in the user's folder."""
        if self._own_folder is None:
            return super().contents(scene_names)
        return hash_scenes(self.folder, scene_names, lambda name: {"version": self.version, "scene": self._path(name)})

    def to_generate(self, scene_names: Sequence[str]) -> list[str]:
        """Return which scenes the cache lacks; the user's folder is never added to."""
        return super().to_generate(scene_names) if self._own_folder is None else []

    def load(self, scene_name: str) -> Scene:
        """Return one scene, generated first where the cache lacks it; raises as GeneratedScenes does.

        Scenes that the user's folder lacks are not generated here: MissingDataError says how.
        """
        if self._own_folder is None:
            return super().load(scene_name)
        path = self._path(scene_name)
        if not path.is_file():
            raise MissingDataError(
                f"{path}: not generated: give  python -m bokehbench.datasets.synthetic.synbokeh300 "
                f"--output {shlex.quote(str(self.folder))}  again, with the same --photos and --cutouts"
            )
        return read_shard(path, scene_name)
