"""``sr@FOLDER+NAME`` and ``NAME+sr@FOLDER``: the networks without defocus, before a renderer and behind it."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.magicbokeh import weight_files
from bokehbench.renderers.registry import find_renderer, load_renderer


@pytest.fixture(scope="module")
def magicbokeh(release):
    renderer = load_renderer(f"magicbokeh@{release}")
    renderer.prepare()
    return renderer


@pytest.fixture
def scene(make_scene):
    return make_scene(20, 24)


def test_before_a_renderer_it_cleans_the_picture_and_nothing_else(release, magicbokeh, scene, small_tiles):
    """And a scene without blur is the same to MagicBokeh, whose own picture it is."""
    clean = magicbokeh.render(dataclasses.replace(scene, blur_strength=0.0))
    assert torch.equal(load_renderer(f"sr@{release}+identity").render(scene), clean)
    expected = load_renderer("classical").render(dataclasses.replace(scene, image=clean))
    assert torch.equal(load_renderer(f"sr@{release}+classical").render(scene), expected)


def test_behind_a_renderer_it_cleans_what_that_made(release, magicbokeh, scene, small_tiles):
    blurred = load_renderer("classical").render(scene)
    expected = magicbokeh.render(dataclasses.replace(scene, image=blurred, blur_strength=0.0))
    renderer = load_renderer(f"classical+sr@{release}")
    assert torch.equal(renderer.render(scene), expected)
    assert renderer.weights.startswith("sr: converted ")
    assert "focus" in renderer.capabilities.inputs


def test_another_folder_is_another_case(release):
    codes = [
        find_renderer(f"sr@{folder}+classical").hash_code(load_renderer(f"sr@{release}+classical"))
        for folder in (release, "elsewhere")
    ]
    assert {name for name in codes[0] if codes[0][name] != codes[1].get(name)} == {"stage: options"}


@pytest.mark.parametrize("name", ["sr+classical", "classical+sr"])
def test_without_weights_one_line_says_how_to_train_them(name, scene, tmp_path, monkeypatch):
    monkeypatch.setattr(weight_files, "SHIPPED", tmp_path)
    renderer = load_renderer(name)
    assert renderer.weights is None
    with pytest.raises(MissingWeightsError, match=r"settings\.json: .* is not there: `python -m .* sr@RUN") as caught:
        renderer.render(scene)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("classical+refine@FOLDER", "'refine@FOLDER': refine has no weights to choose: use refine"),
        ("sr@+classical", "'sr@': expected a checkpoint after '@', for instance sr@FOLDER"),
        ("sr@/nowhere+classical", "magicbokeh@/nowhere: no such folder"),
    ],
)
def test_wrong_folders_are_said(name, said):
    with pytest.raises(InvalidOptionError, match=said):
        load_renderer(name)
