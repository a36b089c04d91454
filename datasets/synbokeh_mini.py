"""The data set ``synbokeh-mini``: layered scenes with ray-traced ground truth, generated at first use.

``python -m bokehbench.datasets.synbokeh_mini`` generates the scenes afresh and compares them with the committed
manifest; ``--write-manifest`` replaces the manifest after an intended change (raise GENERATOR_VERSION with it).
"""

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset  # type: ignore[attr-defined]
from tqdm import tqdm

from ..renderers.errors import UnknownNameError
from ..renderers.interface import Scene
from .canvas import GAMMA
from .interface import SceneDataset
from .layers import pinhole
from .manifest import differences, summarise
from .photographs import PHOTOGRAPHS
from .ray_tracer import trace
from .scene_cache import cache_root, decode_row, encode_row, ensure_cached, open_cached
from .scene_recipes import BACKGROUND, SceneRecipe, compose, recipe_hash

GENERATOR_VERSION = 2
"""Raise it whenever the same recipes give other pictures: caches and stored results of older pictures are then left."""

MANIFEST = Path(__file__).with_name("synbokeh_mini_manifest.json")


def _recipe(name: str, seed: int, background: str, cutouts: str, focus: int, radius: float, **more: int) -> SceneRecipe:
    kinds = tuple(cutouts.split())
    return SceneRecipe(
        name=name, seed=seed, background=background, cutouts=kinds, focus=focus, max_radius_px=radius, **more
    )


RECIPES = (
    _recipe("hair-brick", 101, "brick", "hair", 0, 12.0),
    _recipe("hair-night", 102, "rocket", "hair", 0, 20.0, lights=60),
    _recipe("fur-coffee", 103, "coffee", "fur", 0, 8.0),
    _recipe("fur-foliage", 104, "grass", "foliage fur", 1, 16.0),
    _recipe("foliage-astronaut", 105, "astronaut", "foliage", BACKGROUND, 24.0),
    _recipe("foliage-coffee", 106, "coffee", "foliage", 0, 32.0, width=448),
    _recipe("wire-chelsea", 107, "chelsea", "wire", BACKGROUND, 10.0),
    _recipe("wire-rocket", 108, "rocket", "wire", 0, 14.0, width=448),
    _recipe("wire-foliage-hopper", 109, "grace-hopper", "wire foliage", BACKGROUND, 28.0),
    _recipe("glass-night", 110, "coffee", "glass", 0, 16.0, lights=70),
    _recipe("glass-astronaut", 111, "astronaut", "glass", BACKGROUND, 6.0),
    _recipe("glass-lettering", 112, "brick", "glass lettering", 1, 12.0),
    _recipe("lettering-gravel", 113, "gravel", "lettering", 0, 4.0),
    _recipe("lettering-deep-field", 114, "deep-field", "lettering", 0, 24.0),
    _recipe("hair-fur-foliage", 115, "grass", "hair fur foliage", 1, 18.0, width=448),
    _recipe("fur-chelsea", 116, "chelsea", "fur", BACKGROUND, 16.0),
)


class SynBokehMini(SceneDataset):
    """Sixteen scenes of painted cut-outs over photographs, each a tilted plane, under an exact thin lens."""

    name = "synbokeh-mini"
    protocol = (
        "layers on tilted planes; focus on the mean disparity of one layer; blur strength from the scene's largest "
        "radius (4 to 32 px); ground truth ray-traced in linear light (gamma 2.2); picture and disparity are alpha "
        "composites of the layers; picture and ground truth 8-bit, disparity exact"
    )
    terms = "cut-outs painted by this program; photographs out of scikit-image and matplotlib: " + "; ".join(
        f"{name} ({PHOTOGRAPHS[name].terms})" for name in sorted({recipe.background for recipe in RECIPES})
    )
    version = (
        f"{GENERATOR_VERSION}-" + hashlib.sha256("".join(recipe_hash(r) for r in RECIPES).encode()).hexdigest()[:12]
    )

    def __init__(self, name: str | None = None, data_root: Path | None = None):
        super().__init__(name, data_root)
        self._rows: Dataset | None = None

    @property
    def folder(self) -> Path:
        """Where the generated scenes lie: one folder per version in the cache."""
        return cache_root() / "synbokeh-mini" / self.version

    def prepare(self) -> None:
        """Generate the scenes unless this version is cached; takes under a minute, with a progress bar.

        Raises MissingDataError where the cache cannot be written or is damaged.
        """
        if self._rows is None:
            ensure_cached(self.folder, generate_rows)
            self._rows = open_cached(self.folder)

    def scene_names(self) -> Sequence[str]:
        """Return the scenes' names."""
        return [recipe.name for recipe in RECIPES]

    def load(self, scene_name: str) -> Scene:
        """Decode one scene. Raises UnknownNameError, MissingDataError naming a damaged cache."""
        names = self.scene_names()
        if scene_name not in names:
            raise UnknownNameError(f"{self.name} has no scene '{scene_name}'. Known: {', '.join(names)}")
        self.prepare()
        assert self._rows is not None  # noqa: S101 - prepare has set it, said for the type checker
        return decode_row(self._rows[names.index(scene_name)], self.folder)

    def cluster(self, scene_name: str) -> str:
        """Return the background photograph: scenes over the same one are no independent evidence."""
        return next(recipe.background for recipe in RECIPES if recipe.name == scene_name)


def generate_rows() -> Iterator[dict[str, Any]]:
    """Compose and trace every recipe, with a progress bar."""
    for recipe in tqdm(RECIPES, desc="synbokeh-mini", unit="scene"):
        yield generate_row(recipe)


def generate_row(recipe: SceneRecipe) -> dict[str, Any]:
    """Compose and trace one scene."""
    layered = compose(recipe)
    image, disparity, _ = pinhole(layered.layers, layered.height, layered.width)
    return encode_row(
        recipe.name,
        (np.clip(image, 0.0, 1.0) ** (1.0 / GAMMA)).astype(np.float32),
        (np.clip(trace(layered), 0.0, 1.0) ** (1.0 / GAMMA)).astype(np.float32),
        disparity,
        focus_disparity=layered.focus_disparity,
        blur_strength=layered.blur_strength,
        gamma=GAMMA,
        recipe=json.dumps(dataclasses.asdict(recipe)),
    )


def describe(scenes: Iterable[Scene]) -> dict[str, Any]:
    """Return the manifest of all scenes, in order: the hash of each one's parameters and its coarse statistics."""
    entries = {
        recipe.name: {"parameters": recipe_hash(recipe), **summarise(scene)}
        for recipe, scene in zip(RECIPES, scenes, strict=True)
    }
    return {"version": SynBokehMini.version, "scenes": entries}


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the scenes afresh and compare them with the manifest, or replace it. Exit code 1 where they differ."""
    parser = argparse.ArgumentParser(prog="python -m bokehbench.datasets.synbokeh_mini", description=main.__doc__)
    parser.add_argument("--write-manifest", action="store_true", help=f"replace {MANIFEST.name}")
    options = parser.parse_args(arguments)
    found = describe(decode_row(row, MANIFEST) for row in generate_rows())
    if options.write_manifest:
        MANIFEST.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    problems = differences(json.loads(MANIFEST.read_text(encoding="utf-8")), found)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
