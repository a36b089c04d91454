"""MPIB from a folder, with random weights: what every renderer promises, and which scenes are refused."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError, SkippedSceneError
from bokehbench.renderers.registry import load_renderer


def test_renders_an_odd_size_the_same_again_whatever_the_scale_of_disparity(renderer, make_scene):
    scene = make_scene(33, 17)
    image, disparity = scene.image.clone(), scene.disparity.clone()
    picture = renderer.render(scene)
    assert picture.shape == scene.image.shape
    assert torch.equal(renderer.render(scene.without_target(), seed=7), picture)
    assert torch.equal(scene.image, image)
    assert torch.equal(scene.disparity, disparity)
    scaled = dataclasses.replace(
        scene,
        disparity=8.0 * scene.disparity - 3.0,
        focus_disparity=8.0 * scene.focus_disparity - 3.0,
        blur_strength=scene.blur_strength / 8.0,
    )
    torch.testing.assert_close(renderer.render(scaled), picture, atol=1e-5, rtol=0.0)


def test_what_it_cannot_do_is_skipped_with_the_reason(renderer, make_scene):
    assert renderer.skip(make_scene(9, 9)) is None
    assert renderer.skip(make_scene(8, 40)) == "needs sides of 9 px and more, the scene has 8 x 40 px"
    wide = make_scene(300, 300, blur_strength=400.0)
    assert "up to 200 px of radius" in renderer.skip(wide)
    assert "asks for 240 px" in renderer.skip(wide)
    with pytest.raises(SkippedSceneError, match="asks for 240 px"):
        renderer.render(wide)
    assert "needs the focus" in renderer.skip(make_scene().given({"picture", "disparity", "blur strength", "gamma"}))


def test_a_row_names_the_weights(clone, renderer):
    assert renderer.weights.startswith("MPIB ")
    assert load_renderer(f"mpib@{clone}").weights == renderer.weights


def test_files_in_each_others_place_are_named(clone, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name, other in (("mpinet", "aupnet"), ("aupnet", "aupnet"), ("inpnet", "inpnet")):
        (tmp_path / f"checkpoints/{name}.pth").symlink_to(clone / f"checkpoints/{other}.pth")
    with pytest.raises(MissingWeightsError, match=r"mpinet\.pth: the file lacks '.*': get it again"):
        load_renderer(f"mpib@{tmp_path}").prepare()
