"""The data set ``synbokeh-mini``: layered scenes with ray-traced ground truth, each generated when it is first used.

``python -m bokehbench.datasets.synthetic.synbokeh_mini`` generates the scenes again and compares them with the
committed manifest; ``--write-manifest`` replaces it after an intended change (raise GENERATOR_VERSION, too).
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.commands import ends_in_one_line
from .committed import hold_against_manifest
from .generated_scenes import GeneratedScenes
from .photographs import PHOTOGRAPHS
from .recipes import BACKGROUND, SceneRecipe, recipe_hash

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


class SynBokehMini(GeneratedScenes):
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
    recipes = RECIPES


@ends_in_one_line("error", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the scenes afresh and compare them with the manifest, or replace it. Exit code 1 where they differ."""
    module = "bokehbench.datasets.synthetic.synbokeh_mini"
    return hold_against_manifest(SynBokehMini, MANIFEST, module, arguments)


if __name__ == "__main__":
    sys.exit(main())
