"""The compact MagicBokeh from a folder: what an untrained network changes, which folders are refused."""

import copy
import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save

from bokehbench.core.errors import BokehBenchError, InvalidOptionError, MissingWeightsError
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.diffusion.cpu.blocks import compile_blocks
from bokehbench.renderers.magicbokeh import renderer as magicbokeh_renderer
from bokehbench.renderers.magicbokeh import weight_files
from bokehbench.renderers.magicbokeh.checkpoints import load_network, save_network
from bokehbench.renderers.magicbokeh.network import MagicBokehNetwork
from bokehbench.renderers.magicbokeh.renderer import MagicBokehRenderer
from bokehbench.renderers.magicbokeh.settings import MagicSettings, NetworkSize
from bokehbench.renderers.magicbokeh.weight_files import NETWORK_FILE, SETTINGS_FILE, autoencoder_digest, find_files
from bokehbench.renderers.registry import find_renderer, load_renderer

SETTINGS = MagicSettings(size=NetworkSize(widths=(16, 32), blocks=(1, 1), rank=4), autoencoder=autoencoder_digest())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights") / "untrained"
    save_network(MagicBokehNetwork(SETTINGS), folder)
    return folder


@pytest.fixture
def trained(renderer):
    """The same with a network that changes pictures; its last layer is reset afterwards."""
    last = renderer._network.unet.conv_out
    last.bias.fill_(0.5)
    yield renderer
    last.bias.zero_()


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


def test_a_stage_that_restores_gets_no_base_ready(folder, renderer, make_scene, monkeypatch):
    def refuse(*_):
        raise AssertionError("the base is not used")

    monkeypatch.setattr(magicbokeh_renderer, "prepare_base", refuse)
    monkeypatch.setattr(magicbokeh_renderer, "BASES", {})
    stage = load_renderer(f"sr@{folder}+identity")
    stage.compile_kernels()
    scene = make_scene(23, 38)
    assert torch.equal(stage.render(scene), renderer.super_resolve(scene.image))


def test_a_trained_network_changes_both(trained, make_scene):
    scene = make_scene(23, 38, blur_strength=6.0)
    assert not torch.equal(trained.render(scene), OcclusionRenderer().render(scene))
    assert not torch.equal(trained.super_resolve(scene.image), scene.image)


def test_the_autoencoder_takes_large_pictures_in_tiles(trained, make_scene, monkeypatch):
    scene = make_scene(96, 128, blur_strength=6.0)
    at_once = trained.render(scene)
    monkeypatch.setattr(magicbokeh_renderer, "TILE_LATENTS", 16)
    monkeypatch.setattr(magicbokeh_renderer, "one_pass_latents", lambda pitch_px: 96 // pitch_px * 128 // pitch_px - 1)
    difference = trained.render(scene) - at_once
    assert 0.0 < float(difference.square().mean().sqrt()) < 0.01
    monkeypatch.undo()
    assert torch.equal(trained.render(scene), at_once)


def test_light_above_1_is_kept(renderer, trained, make_scene):
    """By the base, which spreads it; the network sees it clipped. Without defocus it stays where it is."""
    scene = make_scene(24, 32, blur_strength=6.0)
    image = scene.image.clone()
    image[:, 2, 2] = 50.0
    bright, clipped = (dataclasses.replace(scene, image=x) for x in (image, image.clamp(max=1.0)))
    assert float((trained.render(bright) - trained.render(clipped)).max()) > 0.2
    clean = trained.super_resolve(image)
    assert float(clean[:, 2, 2].min()) > 49.0
    assert torch.equal(clean - (image - 1.0).relu(), trained.super_resolve(image.clamp(max=1.0)))


def test_before_a_renderer_and_behind_one(folder, make_scene):
    before, behind = load_renderer(f"sr@{folder}+classical"), load_renderer(f"identity+sr@{folder}")
    scene = make_scene(24, 32)
    assert torch.equal(behind.render(scene), scene.image)
    assert before.capabilities.hdr
    assert before.weights == behind.weights == f"sr: {MagicBokehRenderer(checkpoint=str(folder)).weights}"


def test_the_network_computes_in_the_type_that_is_asked_for(folder, renderer, make_scene):
    scene = make_scene(24, 32)
    half = load_renderer(f"magicbokeh@{folder}")
    half.prepare("cpu", "bfloat16")
    assert {weight.dtype for weight in half._network.parameters()} == {torch.bfloat16}
    assert half._network.unet.conv_in.weight.is_contiguous()  # channels last, PyTorch's group norm loses digits
    torch.testing.assert_close(half.render(scene), renderer.render(scene), atol=0.02, rtol=0.0)


def test_both_layouts_compute_the_same_where_a_mean_is_far_above_its_spread(renderer):
    """Group norms in channels last; the bound is that of BokehDiff's autoencoder."""
    network = MagicBokehNetwork(SETTINGS).requires_grad_(False)
    torch.manual_seed(0)
    for weight in network.parameters():
        weight.normal_(std=0.05)
    compiled = copy.deepcopy(network).to(memory_format=torch.channels_last)
    compile_blocks(compiled)
    network.unet.conv_in.bias.fill_(30.0), compiled.unet.conv_in.bias.fill_(30.0)
    latents = torch.randn(1, 16, 16, 24)
    given = latents, latents, torch.linspace(-1.0, 1.0, 64 * 96).view(1, 1, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*given), network(*given), atol=2e-5, rtol=0.0)


def test_the_code_of_all_that_computes_counts(folder, renderer):
    code = find_renderer(f"magicbokeh@{folder}").hash_code(renderer)
    computing = ("magicbokeh.network", "magicbokeh.autoencoder", "classical.occlusion", "diffusion.cpu.group_norm")
    assert {f"bokehbench.renderers.{name}" for name in computing} <= code.keys()


def test_refuses_folders_without_a_network(tmp_path):
    with pytest.raises(InvalidOptionError, match="no such folder"):
        find_files(str(tmp_path / "mistyped"))
    with pytest.raises(MissingWeightsError, match=r"there is no settings\.json"):
        find_files(str(tmp_path))
    save_network(MagicBokehNetwork(SETTINGS), tmp_path)
    (tmp_path / NETWORK_FILE).unlink()
    with pytest.raises(MissingWeightsError, match=r"there is no network\.safetensors"):
        find_files(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"autoencoder": "0" * 64}, "autoencoder: expected .* use the version .*magicbokeh.recipe"),
        (
            {"size": NetworkSize(latent_channels=4)},
            r"size\.latent_channels: expected 16, as the autoencoder has, got 4",
        ),
    ],
)
def test_refuses_a_network_on_other_latents(tmp_path, changes, said):
    save_settings(dataclasses.replace(SETTINGS, **changes), tmp_path)
    with pytest.raises(InvalidOptionError, match=said):
        find_files(str(tmp_path))


def test_refuses_weights_that_are_damaged(folder, tmp_path):
    """The last one's network would take 20 GB: the file is asked first."""
    whole = (folder / NETWORK_FILE).read_bytes()
    state = load_file(folder / NETWORK_FILE)
    name = "unet.conv_in.weight"
    huge = MagicSettings(size=NetworkSize(widths=(4096,) * 6, blocks=(1,) * 6), autoencoder=SETTINGS.autoencoder)
    for settings, content, said in (
        (SETTINGS, whole[:-100], "not complete, or damaged"),
        (SETTINGS, save(state | {name: state[name] * torch.nan}), f"'{name}' holds NaN"),
        (SETTINGS, save(state | {name: state[name][1:]}), f"'{name}': expected"),
        (SETTINGS, save({key: value for key, value in state.items() if key != name}), f"the file lacks '{name}'"),
        (huge, whole, "the file lacks"),
    ):
        save_settings(settings, tmp_path, content)
        with pytest.raises(BokehBenchError, match=said) as caught:
            load_network(find_files(str(tmp_path)))
        assert "\n" not in str(caught.value)


def save_settings(settings, folder, network=b""):
    (folder / SETTINGS_FILE).write_text(json.dumps(settings.to_json()))
    (folder / NETWORK_FILE).write_bytes(network)


def test_the_network_that_ships_is_looked_for_beside_the_code(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(weight_files, "SHIPPED", folder)
    assert MagicBokehRenderer().weights.startswith("magicbokeh ")
    monkeypatch.setattr(weight_files, "SHIPPED", tmp_path)
    with pytest.raises(MissingWeightsError, match="compact network is not there: `python -m"):
        MagicBokehRenderer().prepare()
