"""The compact MagicBokeh from a folder: what an untrained network changes, which folders are refused."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.magicbokeh.checkpoints import save_network
from bokehbench.renderers.magicbokeh.network import MagicBokehNetwork
from bokehbench.renderers.magicbokeh.renderer import MagicBokehRenderer
from bokehbench.renderers.magicbokeh.settings import MagicSettings, NetworkSize
from bokehbench.renderers.magicbokeh.weight_files import NETWORK_FILE, autoencoder_digest, find_files
from bokehbench.renderers.registry import load_renderer

SETTINGS = MagicSettings(size=NetworkSize(widths=(16, 32), blocks=(1, 1), rank=4), autoencoder=autoencoder_digest())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights") / "untrained"
    save_network(MagicBokehNetwork(SETTINGS), folder)
    return folder


@pytest.fixture(scope="module")
def renderer(folder):
    renderer = load_renderer(f"magicbokeh@{folder}")
    assert isinstance(renderer, MagicBokehRenderer)
    renderer.prepare()
    return renderer


def test_an_untrained_network_leaves_the_base(renderer, make_scene):
    scene = make_scene(23, 38, blur_strength=6.0)
    assert torch.equal(renderer.render(scene), OcclusionRenderer().render(scene))


def test_an_untrained_network_restores_nothing(renderer, make_scene):
    picture = make_scene(23, 38).image
    assert torch.equal(renderer.super_resolve(picture), picture)


def test_a_trained_network_changes_both(renderer, make_scene):
    scene = make_scene(23, 38, blur_strength=6.0)
    last = renderer._network.unet.conv_out
    try:
        last.bias.fill_(0.5)
        assert not torch.equal(renderer.render(scene), OcclusionRenderer().render(scene))
        assert not torch.equal(renderer.super_resolve(scene.image), scene.image)
    finally:
        last.bias.zero_()


def test_refuses_folders_without_a_network(tmp_path):
    with pytest.raises(InvalidOptionError, match="no such folder"):
        find_files(str(tmp_path / "mistyped"))
    with pytest.raises(MissingWeightsError, match=r"there is no settings\.json"):
        find_files(str(tmp_path))
    save_network(MagicBokehNetwork(SETTINGS), tmp_path)
    (tmp_path / NETWORK_FILE).unlink()
    with pytest.raises(MissingWeightsError, match=r"there is no network\.safetensors"):
        find_files(str(tmp_path))


def test_refuses_a_network_on_other_latents(tmp_path):
    save_network(MagicBokehNetwork(dataclasses.replace(SETTINGS, autoencoder="0" * 64)), tmp_path)
    with pytest.raises(InvalidOptionError, match="autoencoder: expected"):
        find_files(str(tmp_path))
