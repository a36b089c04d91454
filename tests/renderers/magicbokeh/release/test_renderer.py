"""``magicbokeh@FOLDER`` with random weights: what every renderer promises, its switches, what it refuses."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import UnknownNameError
from bokehbench.renderers.magicbokeh.release.one_step import predict_noise, render_tile
from bokehbench.renderers.magicbokeh.release.variants import RELEASE_ENTRIES
from bokehbench.renderers.registry import RENDERERS, find_renderer, load_renderer


@pytest.fixture(scope="module")
def renderer(release):
    renderer = load_renderer(f"magicbokeh@{release}")
    renderer.prepare()
    return renderer


@pytest.fixture(scope="module")
def tile():
    generator = torch.Generator().manual_seed(3)
    condition = torch.zeros(2, 1, 64, 64)
    condition[0, :, :, 32:], condition[1, :, 32:] = 0.6, 0.3
    return torch.rand(2, 3, 64, 64, generator=generator), condition


def test_renders_an_odd_size_the_same_again_with_the_colours_of_the_input(renderer, make_scene, small_tiles):
    scene = make_scene(33, 70)
    picture = renderer.render(scene)
    assert picture.shape == scene.image.shape
    assert torch.equal(renderer.render(scene.without_target(), seed=7), picture)
    renderer.match_colours = False
    try:
        plain = renderer.render(scene)
    finally:
        renderer.match_colours = True
    assert not torch.allclose(plain, picture, atol=0.01)
    torch.testing.assert_close(picture.mean(dim=(1, 2)), scene.image.mean(dim=(1, 2)), atol=0.03, rtol=0.0)


def test_a_batch_of_tiles_is_each_tile_by_itself(networks, tile):
    both = render_tile(networks, *tile)
    for i in range(2):
        torch.testing.assert_close(render_tile(networks, *(x[i : i + 1] for x in tile))[0], both[i], atol=1e-5, rtol=0)


@torch.no_grad()
def test_without_bokeh_weights_the_branches_change_nothing(networks, tile):
    """The branch's last layers and the low-rank outputs at zero, as training starts: the U-Net with its SR LoRA."""
    import copy

    start = dataclasses.replace(networks, unet=copy.deepcopy(networks.unet), control=copy.deepcopy(networks.control))
    for name, weight in [*start.unet.named_parameters(), *start.control.named_parameters()]:
        if "to_out_lora.1" in name or name.startswith("controlnet_down_blocks"):
            weight.zero_()
    z = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    sharp = predict_noise(start, z, torch.zeros(2, 1, 64, 64))
    assert torch.equal(predict_noise(start, z, tile[1]), sharp)
    assert not torch.allclose(predict_noise(networks, z, tile[1]), sharp, atol=1e-3)


def test_a_drawn_latent_is_the_seeds(networks, tile):
    def draw(seed):
        return render_tile(networks, *tile, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_blur_beyond_the_trained_is_skipped_with_the_reason(renderer, make_scene):
    assert renderer.skip(make_scene(blur_strength=50.0)) is None
    said = "was trained with radii of up to 32 px, the scene asks for 36 px"
    assert renderer.skip(make_scene(blur_strength=60.0)) == said
    assert "needs the focus" in renderer.skip(make_scene().given({"picture", "disparity", "blur strength", "gamma"}))


def test_a_row_names_weights_and_their_origin(release, renderer):
    assert renderer.weights.startswith("converted ")
    assert load_renderer(f"magicbokeh-sampled@{release}").weights == renderer.weights
    assert "converted from a lora.pkl with the SHA-256 " in renderer.training


@pytest.mark.parametrize("name", RELEASE_ENTRIES)
def test_every_variant_asks_for_a_folder_and_takes_one(release, name):
    assert load_renderer(f"{name}@{release}").name.startswith(f"{name}@")
    if name != "magicbokeh":
        with pytest.raises(UnknownNameError, match=r"git clone .*lora\.pkl.*magicbokeh\.py.*magicbokeh@FOLDER"):
            load_renderer(name)


def test_the_folder_says_whose_networks_a_name_means(release, tmp_path, monkeypatch):
    monkeypatch.setitem(RENDERERS.entries, "magicbokeh", RENDERERS.entries["identity"])
    assert find_renderer("magicbokeh") is find_renderer(f"magicbokeh@{tmp_path}") is RENDERERS.entries["identity"]
    assert find_renderer(f"magicbokeh@{release}") is RELEASE_ENTRIES["magicbokeh"]
