"""The scenes of the cache in use are checked as they are; a few are generated afresh, so that a stale cache shows."""

import json

import pytest

from bokehbench.datasets.synthetic.cache import decode_row
from bokehbench.datasets.synthetic.committed import describe
from bokehbench.datasets.synthetic.cutouts import CUTOUTS
from bokehbench.datasets.synthetic.generated_scenes import generate_row
from bokehbench.datasets.synthetic.manifest import differences, summarise
from bokehbench.datasets.synthetic.recipes import BACKGROUND, recipe_hash
from bokehbench.datasets.synthetic.synbokeh_mini import MANIFEST, RECIPES, SynBokehMini

ADVICE = "the generator draws other pictures: raise GENERATOR_VERSION and write the manifest again"
FRESH = ("hair-brick", "fur-coffee", "wire-rocket", "glass-night", "glass-lettering")


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_parameters_are_the_manifest_s(manifest: dict, recipe) -> None:  # type: ignore[no-untyped-def]
    assert manifest["scenes"][recipe.name]["parameters"] == recipe_hash(recipe), ADVICE


def test_version_is_the_manifest_s(manifest: dict) -> None:
    assert manifest["version"] == SynBokehMini.version, ADVICE


@pytest.mark.parametrize("name", FRESH)
def test_fresh_scenes_look_like_the_manifest(manifest: dict, name: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    found = {"parameters": recipe_hash(recipe), **summarise(decode_row(generate_row(recipe), tmp_path))}
    expected = {"version": "", "scenes": {name: manifest["scenes"][name]}}
    assert differences(expected, {"version": "", "scenes": {name: found}}) == [], ADVICE


def test_cached_scenes_look_like_the_manifest(manifest: dict) -> None:
    dataset = SynBokehMini()
    assert differences(manifest, describe(SynBokehMini, map(dataset.load, dataset.scene_names()))) == []


def test_scenes_cover_what_renderers_must_handle() -> None:
    assert {kind for recipe in RECIPES for kind in recipe.cutouts} == set(CUTOUTS)
    radii = [recipe.max_radius_px for recipe in RECIPES]
    assert min(radii) <= 4.0
    assert max(radii) >= 32.0
    assert len(RECIPES) >= 12
    assert sum(recipe.focus == BACKGROUND for recipe in RECIPES) >= 4
    assert sum(recipe.lights > 0 for recipe in RECIPES) >= 2
    assert any(len(recipe.cutouts) == 3 for recipe in RECIPES)
    assert len({recipe.seed for recipe in RECIPES}) == len(RECIPES)


def test_radii_and_targets_are_as_promised() -> None:
    dataset = SynBokehMini()
    for recipe in RECIPES:
        scene = dataset.load(recipe.name)
        assert float(scene.defocus.abs().max()) == pytest.approx(recipe.max_radius_px, rel=1e-4)
        assert scene.target is not None
        # A lens moves light, it makes none: both pictures are about equally bright in linear light.
        before, after = (picture.double() ** scene.gamma for picture in (scene.image, scene.target))
        assert float(after.mean() / before.mean()) == pytest.approx(1.0, abs=0.1)
        assert float((scene.image - scene.target).abs().mean()) > 0.004
