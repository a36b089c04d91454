"""``NAME+restore-disparity``: what a poor map loses comes back in part, and a right one is left alone."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.datasets.low_quality.zoom import drop_resolution
from bokehbench.renderers.interface import Scene
from bokehbench.renderers.registry import load_renderer
from bokehbench.renderers.restore_disparity import weight_files


@pytest.fixture(scope="module")
def renderer():
    found = load_renderer("classical+restore-disparity")
    found.prepare()
    return found


@pytest.fixture(scope="module")
def scene():
    """A bright square in front of a darker ramp."""
    disparity = torch.full((1, 96, 96), 0.2)
    disparity[:, 30:66, 30:66] = 0.9
    image = torch.linspace(0.2, 0.4, 96).expand(3, 96, -1).clone()
    image[:, 30:66, 30:66] = torch.tensor([0.9, 0.6, 0.3])[:, None, None]
    return Scene(name="square", image=image, disparity=disparity, focus_disparity=0.9, blur_strength=12.0)


def _coarse(scene, factor):
    map_ = torch.from_numpy(drop_resolution(scene.disparity[0].numpy(), factor))[None]
    return dataclasses.replace(scene, disparity=map_)


@pytest.mark.parametrize("factor", [2.0, 4.0, 8.0])
def test_a_coarse_map_gets_nearer_to_the_true_one(renderer, scene, factor):
    poor = _coarse(scene, factor)
    restored = renderer.stage.change_scene(poor.given(renderer.capabilities.inputs), 0).disparity
    before, after = ((x - scene.disparity).abs().mean() for x in (poor.disparity, restored))
    assert after < 0.8 * before
    assert restored.min() >= poor.disparity.min()
    assert restored.max() <= poor.disparity.max()


def test_a_right_map_is_left_alone(renderer, scene):
    given = scene.given(renderer.capabilities.inputs)
    assert renderer.stage.change_scene(given, 0) is given
    torch.testing.assert_close(renderer.render(scene), load_renderer("classical").render(scene), rtol=0, atol=0)


def test_scene_and_memory_stay_as_they_are(renderer, scene):
    poor = _coarse(scene, 4.0)
    before = poor.disparity.clone()
    first = renderer.render(poor)
    assert torch.equal(poor.disparity, before)
    renderer.render(scene)
    torch.testing.assert_close(renderer.render(poor), first, rtol=0, atol=0)
    renderer.forget()
    assert renderer.stage._kept is None


def test_an_even_map_stays_even(renderer, scene):
    even = dataclasses.replace(scene, disparity=torch.zeros(1, 96, 96))
    assert torch.equal(
        renderer.stage.change_scene(even.given(renderer.capabilities.inputs), 0).disparity, even.disparity
    )


def test_rows_name_its_weights_and_their_training(renderer):
    assert renderer.weights.startswith("restore-disparity: restore-disparity ")
    assert "crops of" in renderer.training
    assert "disparity" in renderer.capabilities.inputs


def test_what_is_absent_is_one_line(scene, tmp_path, monkeypatch):
    with pytest.raises(InvalidOptionError, match="restore-disparity@nowhere: no such folder: `python -m"):
        load_renderer("classical+restore-disparity@nowhere")
    with pytest.raises(MissingWeightsError, match=r"network\.safetensors: there is no such file: `python -m"):
        load_renderer(f"classical+restore-disparity@{tmp_path}")
    monkeypatch.setattr(weight_files, "SHIPPED", tmp_path)
    absent = load_renderer("classical+restore-disparity")
    assert absent.weights is None
    with pytest.raises(MissingWeightsError, match=r"network\.safetensors: there is no such file") as caught:
        absent.render(scene)
    assert "\n" not in str(caught.value)
