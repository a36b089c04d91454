"""The data set ``synbokeh-subject``: scenes by a focus habit, for methods that are given a picture alone.

``python -m bokehbench.datasets.synthetic.synbokeh_subject`` generates the scenes again and compares them with the
committed manifest; ``--write-manifest`` replaces it after an intended change (raise GENERATOR_VERSION, too).
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.commands import ends_in_one_line
from .committed import hold_against_manifest
from .focus_habit import FocusHabit
from .generated_scenes import GeneratedScenes
from .photographs import PHOTOGRAPHS
from .recipes import SceneRecipe, recipe_hash

GENERATOR_VERSION = 1
"""Raise it whenever the same recipes give other pictures: caches and stored results of older pictures are then left."""

MANIFEST = Path(__file__).with_name("synbokeh_subject_manifest.json")
HABIT = FocusHabit()


def _recipe(name: str, seed: int, background: str, cutouts: str, radius: float, **more: int) -> SceneRecipe:
    kinds = tuple(cutouts.split())
    return SceneRecipe(
        name=name, seed=seed, background=background, cutouts=kinds, focus=0, max_radius_px=radius, **more
    )


RECIPES = (
    _recipe("hair-coffee", 2000, "coffee", "hair", 10.6),
    _recipe("fur-gravel", 2100, "gravel", "fur", 13.5),
    _recipe("glass-grass", 2200, "grass", "glass", 11.7),
    _recipe("hair-astronaut", 2300, "astronaut", "hair", 10.0, width=448),
    _recipe("fur-hopper", 2400, "grace-hopper", "fur", 12.8),
    _recipe("glass-chelsea", 2500, "chelsea", "glass", 11.1),
    _recipe("hair-fur-brick", 2600, "brick", "hair fur", 9.3),
    _recipe("fur-hair-rocket", 2700, "rocket", "fur hair", 12.1),
    _recipe("glass-fur-coffee", 2800, "coffee", "glass fur", 10.4, width=448),
    _recipe("hair-foliage-field", 2900, "deep-field", "hair foliage", 13.2),
    _recipe("fur-foliage-chelsea", 3000, "chelsea", "fur foliage", 11.5),
    _recipe("lettering-grass", 3100, "grass", "lettering", 9.7),
    _recipe("foliage-brick", 3200, "brick", "foliage", 12.6),
    _recipe("hair-night", 3300, "rocket", "hair", 10.8, lights=60, width=448),
    _recipe("glass-night", 3400, "coffee", "glass", 11.3, lights=70),
    _recipe("hair-glass-hopper", 3500, "grace-hopper", "hair glass", 11.9),
)


class SynBokehSubject(GeneratedScenes):
    """Sixteen scenes of a subject in focus before a photograph, blurred as the habit says."""

    name = "synbokeh-subject"
    protocol = (
        "for methods that guess focus and strength: in focus is the nearest cut-out, which covers "
        f"{100 * HABIT.area[0]:g} to {100 * HABIT.area[1]:g} % of the picture, its centre in the middle "
        f"{100 * HABIT.middle:g} %; the largest radius is {100 * HABIT.radius[0]:g} to {100 * HABIT.radius[1]:g} % of "
        "the height; up to one more cut-out, out of focus; the rest as synbokeh-mini, of other seeds"
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
    module = "bokehbench.datasets.synthetic.synbokeh_subject"
    return hold_against_manifest(SynBokehSubject, MANIFEST, module, arguments)


if __name__ == "__main__":
    sys.exit(main())
