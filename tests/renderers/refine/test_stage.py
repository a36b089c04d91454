import dataclasses

import pytest
import torch

from bokehbench.renderers.interface import Scene
from bokehbench.renderers.refine.moves import grow
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(scope="module")
def renderer():
    found = load_renderer("classical+refine")
    found.prepare()
    return found


def make_scene(picture, disparity):
    image, disparity = torch.from_numpy(picture).permute(2, 0, 1).contiguous(), torch.from_numpy(disparity)[None]
    return Scene(name="discs", image=image, disparity=disparity, focus_disparity=0.8, blur_strength=12.0)


def test_it_renders_a_wrong_map_nearly_as_the_true_one(renderer, discs):
    true, wrong = make_scene(*discs), make_scene(discs[0], grow(discs[1], -5))
    plain = load_renderer("classical")
    target = plain.render(true)
    error, left = ((one.render(wrong) - target).square().mean() for one in (plain, renderer))
    assert left < 0.1 * error
    torch.testing.assert_close(renderer.render(true), target, rtol=0, atol=0)


def test_scene_and_memory_stay_as_they_are(renderer, discs):
    scene = make_scene(discs[0], grow(discs[1], -5))
    before = scene.disparity.clone()
    first = renderer.render(scene)
    torch.testing.assert_close(scene.disparity, before, rtol=0, atol=0)
    assert renderer.stage.change_scene(scene.given(renderer.capabilities.inputs), 0).disparity is not scene.disparity
    renderer.render(dataclasses.replace(scene, disparity=torch.from_numpy(discs[1])[None]))
    torch.testing.assert_close(renderer.render(scene), first, rtol=0, atol=0)
    renderer.forget()
    assert renderer.stage._kept is None
