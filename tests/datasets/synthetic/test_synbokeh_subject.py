"""The scenes by the focus habit: every one follows it, and they look like the committed manifest."""

import pytest

from bokehbench.datasets.synthetic.cache import decode_row
from bokehbench.datasets.synthetic.generated_scenes import generate_row
from bokehbench.datasets.synthetic.layers import pinhole
from bokehbench.datasets.synthetic.manifest import differences, read_manifest, summarise
from bokehbench.datasets.synthetic.recipes import compose, recipe_hash
from bokehbench.datasets.synthetic.synbokeh_mini import RECIPES as MINI
from bokehbench.datasets.synthetic.synbokeh_subject import HABIT, MANIFEST, RECIPES, SynBokehSubject

FRESH = "glass-grass"


@pytest.fixture(scope="module")
def manifest():
    return read_manifest(MANIFEST)


def test_parameters_are_the_manifest_s(manifest):
    assert manifest["version"] == SynBokehSubject.version
    assert {name: scene["parameters"] for name, scene in manifest["scenes"].items()} == {
        recipe.name: recipe_hash(recipe) for recipe in RECIPES
    }
    assert len(RECIPES) == 16
    assert not {recipe.seed for recipe in RECIPES} & {recipe.seed for recipe in MINI}


def test_a_fresh_scene_looks_like_the_manifest(manifest, tmp_path):
    recipe = next(recipe for recipe in RECIPES if recipe.name == FRESH)
    found = {"parameters": recipe_hash(recipe), **summarise(decode_row(generate_row(recipe), tmp_path))}
    expected = {"version": "", "scenes": {FRESH: manifest["scenes"][FRESH]}}
    assert differences(expected, {"version": "", "scenes": {FRESH: found}}) == []


@pytest.mark.parametrize("recipe", RECIPES[::5], ids=lambda recipe: recipe.name)
def test_the_nearest_cut_out_is_the_subject_in_focus(recipe):
    scene = compose(recipe)
    _, disparity, shares = pinhole(scene.layers, scene.height, scene.width)
    assert HABIT.takes_as_subject(shares[0])
    radius = scene.blur_strength * abs(disparity - scene.focus_disparity).max() / scene.height
    assert HABIT.radius[0] - 1e-3 <= radius <= HABIT.radius[1] + 1e-3


def test_every_strength_is_the_habit_s():
    assert all(HABIT.radius[0] - 1e-3 <= r.max_radius_px / r.height <= HABIT.radius[1] + 1e-3 for r in RECIPES)
