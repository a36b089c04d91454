import dataclasses

import numpy as np
import pytest

from bokehbench.datasets.synthetic.layers import pinhole
from bokehbench.datasets.synthetic.ray_tracer import trace
from bokehbench.datasets.synthetic.recipes import BACKGROUND, SceneRecipe, compose, draw_placements, recipe_hash

SMALL = SceneRecipe(
    name="small",
    seed=5,
    background="coffee",
    cutouts=("foliage", "lettering"),
    focus=1,
    max_radius_px=6.0,
    height=96,
    width=112,
)


@pytest.mark.parametrize("focus", [0, 1, BACKGROUND])
def test_the_lens_is_as_the_recipe_says(focus: int) -> None:
    recipe = dataclasses.replace(SMALL, focus=focus)
    scene = compose(recipe)
    _, disparity, shares = pinhole(scene.layers, recipe.height, recipe.width)
    defocus = scene.blur_strength * (disparity - scene.focus_disparity)
    assert np.abs(defocus).max() == pytest.approx(6.0, rel=1e-5)
    assert abs(defocus[shares[focus] > 0.99].mean()) < 0.2


def test_equal_recipes_give_equal_scenes_and_hashes() -> None:
    first, second = compose(SMALL), compose(SMALL)
    assert (first.focus_disparity, first.blur_strength) == (second.focus_disparity, second.blur_strength)
    np.testing.assert_array_equal(trace(first, samples=16), trace(second, samples=16))
    assert recipe_hash(SMALL) == recipe_hash(dataclasses.replace(SMALL))


def test_any_change_of_a_recipe_changes_its_hash() -> None:
    changes = [{"seed": 6}, {"focus": 0}, {"max_radius_px": 7.0}, {"lights": 3}, {"width": 120}, {"cutouts": ("wire",)}]
    hashes = {recipe_hash(dataclasses.replace(SMALL, **change)) for change in changes}  # type: ignore[arg-type]
    assert len(hashes | {recipe_hash(SMALL)}) == len(changes) + 1


def test_placements_are_front_to_back() -> None:
    for seed in range(40):
        recipe = dataclasses.replace(SMALL, seed=seed, cutouts=("hair", "fur", "wire"))
        planes = [placement.plane for placement in draw_placements(recipe)]
        x, y = np.array([0.0, 111.0, 0.0, 111.0]), np.array([0.0, 0.0, 95.0, 95.0])
        disparities = np.stack([plane.disparity(x, y) for plane in planes])
        assert (np.diff(disparities, axis=0) < 0.0).all()
        assert disparities.min() > 0.0
        assert disparities.max() < 1.0


def test_lights_shine_out_of_a_dark_background() -> None:
    night = compose(dataclasses.replace(SMALL, lights=12, cutouts=("lettering",), focus=0))
    background = night.layers[-1].rgba[..., :3]
    assert np.median(background) < 0.05
    assert background.max() == pytest.approx(1.0, abs=0.01)
