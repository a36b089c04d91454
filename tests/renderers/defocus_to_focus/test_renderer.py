"""Defocus to Focus from folders of weights: what it is given, what it makes, and what it refuses."""

import dataclasses
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError, UnknownNameError
from bokehbench.renderers.defocus_to_focus.variants import GUESSING, SHIPPED
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(params=["compact", "published"])
def folder(request):
    return request.getfixturevalue(request.param)


def test_a_picture_is_all_it_needs(folder, make_scene):
    renderer = load_renderer(f"defocus-to-focus@{folder}")
    assert renderer.capabilities.inputs == {"picture"}
    scene = make_scene(33, 47)
    picture = renderer.render(scene)
    assert picture.shape == scene.image.shape
    assert torch.equal(picture, renderer.render(dataclasses.replace(scene, blur_strength=0.0, focus_disparity=0.1)))
    radius_px = renderer.guess_radius_px(scene.image)
    assert radius_px.shape == (1, 33, 47)
    assert float(radius_px.min()) >= 0.0


def test_the_published_weights_are_read_by_their_names(published):
    renderer = load_renderer(f"defocus-to-focus@{published}")
    renderer.prepare()
    state = torch.load(published / "bokeh.pth", weights_only=True)["net"]
    assert sum(p.numel() for n, p in renderer._parts.hallucination.named_parameters()) == 41_600_513
    assert {name.split(".")[0] for name in state} == {"midas", "radiance"}
    unit = "midas.scratch.refinenet4.resConfUnit1.conv1.weight"
    assert unit in state
    assert torch.equal(renderer._parts.radiance.conv1.weight, state["radiance.conv1.weight"])


def test_a_picture_that_others_lenses_share_is_skipped(compact, make_scene):
    renderer = load_renderer(f"defocus-to-focus@{compact}")
    assert renderer.skip(make_scene()) is None
    assert "another focus or aperture" in renderer.skip(make_scene(one_of_several=True))


def test_a_small_picture_of_a_large_one_is_rendered_at_half_the_size(compact):
    renderer = load_renderer(f"defocus-to-focus@{compact}")
    renderer.prepare()
    assert renderer.guess(torch.rand(3, 40, 50)).halvings == 0
    large = renderer.guess(torch.zeros(3, 800, 800))
    assert (large.halvings, tuple(large.defocus.shape)) == (1, (1, 1, 400, 400))


def test_variants_render_other_pictures(compact, make_scene):
    full, *others = (load_renderer(f"{name}@{compact}").render(make_scene(40, 40)) for name in GUESSING)
    assert not any(torch.equal(full, other) for other in others)


@pytest.mark.skipif(SHIPPED, reason="weights ship")
def test_without_weights_it_says_what_to_use():
    with pytest.raises(UnknownNameError, match="defocus-to-focus@FOLDER"):
        load_renderer("defocus-to-focus")


def test_the_profile_says_at_which_size_pictures_are_seen(compact, make_scene, tmp_path):
    small, usual = (shutil.copytree(compact, tmp_path / name) for name in ("small", "usual"))
    for folder, more in ((small, {"seen_px": 64}), (usual, {})):
        (folder / "profile.json").write_text(json.dumps({"profile": "code", **more}))
    scene = make_scene(40, 40)
    first, second = (load_renderer(f"defocus-to-focus@{folder}").render(scene) for folder in (compact, usual))
    assert torch.equal(first, second)
    assert not torch.equal(first, load_renderer(f"defocus-to-focus@{small}").render(scene))


def test_damage_is_one_line(compact, published, tmp_path):
    whole = shutil.copytree(compact, tmp_path / "whole")
    state = load_file(whole / "fusion.safetensors")
    save_file({k: v for k, v in state.items() if k != "conv1.0.bias"}, whole / "fusion.safetensors")
    with pytest.raises(MissingWeightsError, match=r"fusion\.safetensors: the file lacks 'conv1\.0\.bias'"):
        load_renderer(f"defocus-to-focus@{whole}").prepare()
    (whole / "radiance.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match=r"radiance\.safetensors: there is no such file"):
        load_renderer(f"defocus-to-focus@{whole}")
    (whole / "profile.json").write_text(json.dumps({"profile": "other"}))
    (whole / "radiance.safetensors").touch()
    with pytest.raises(InvalidOptionError, match="profile: expected code or paper"):
        load_renderer(f"defocus-to-focus@{whole}")
    (whole / "profile.json").write_text(json.dumps({"profile": "code", "seen_px": "large"}))
    with pytest.raises(InvalidOptionError, match="seen_px: expected a whole number of px, 32 to 4096, got 'large'"):
        load_renderer(f"defocus-to-focus@{whole}")
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(published / "blend.pth", half)
    with pytest.raises(MissingWeightsError, match=r"expected two checkpoints.*found 1"):
        load_renderer(f"defocus-to-focus@{half}")
    with pytest.raises(InvalidOptionError, match="no such folder"):
        load_renderer(f"defocus-to-focus@{tmp_path / 'nowhere'}")
