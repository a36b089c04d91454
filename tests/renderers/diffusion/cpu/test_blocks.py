"""Networks on compiled blocks against their own: the shipped weights, and what the kernels leave alone."""

import copy

import pytest
import torch
from torch import nn

from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.renderers.diffusion.cpu import blocks
from bokehbench.renderers.learned import freeze
from bokehbench.renderers.registry import load_renderer

SIZE = CompactSize(vae_width=32, vae_groups=4, unet_widths=(16, 32), unet_groups=4, heads=1, prompt_width=16)


@pytest.fixture(scope="module")
def shipped():
    """The shipped model without compiled blocks, and with them."""
    renderer = load_renderer("bokehdiff")
    renderer.prepare("cpu", "float32")
    fast = renderer.pipeline
    own = load_renderer("bokehdiff")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bokehbench.renderers.bokehdiff.renderer.compile_blocks", lambda network: None)
        own.prepare("cpu", "float32")
    assert "forward" in vars(fast.unet.conv_in)
    assert "forward" not in vars(own.pipeline.unet.conv_in)
    return own.pipeline, fast


def _render(pipeline, image, disparity):
    return pipeline(image, disparity, 0.3, 20.0).images


@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 50)])
def test_shipped_weights_render_the_same(shipped, height, width):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, height, width, generator=generator)
    disparity = torch.rand(1, 1, height, width, generator=generator).round(decimals=1)
    own, fast = (_render(pipeline, image, disparity) for pipeline in shipped)
    assert own.std() > 0.01
    torch.testing.assert_close(fast, own, rtol=0, atol=2e-5)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_uniform_picture_stays_as_the_exact_networks_make_it(shipped, level):
    """Where everything is alike a group norm divides by next to nothing, and what it loses is amplified."""
    own, fast = shipped
    image = torch.full((1, 3, 64, 64), level)
    with torch.no_grad():
        exact = copy.deepcopy(own.vae).double()
        pixels = nn.functional.pixel_unshuffle(2.0 * image.double() - 1.0, own.active_settings.pixel_unshuffle)
        expected = 0.5 + 0.5 * exact.decode(exact.encode(pixels).latent_dist.mode()).sample
        expected = nn.functional.pixel_shuffle(expected, own.active_settings.pixel_unshuffle)
        torch.testing.assert_close(fast.decode(fast.encode(image)).double(), expected, rtol=0, atol=1e-4)


def test_gradients_are_the_networks_own():
    torch.manual_seed(0)
    network = build_compact(size=SIZE).vae
    freeze(network)
    compiled = copy.deepcopy(network)
    blocks.compile_blocks(compiled)
    x = torch.rand(1, 48, 8, 12, requires_grad=True)
    for one in (network, compiled):
        one.encode(x).latent_dist.mode().square().sum().backward()
    assert list(compiled.state_dict()) == list(network.state_dict())
    with torch.no_grad():
        made = [one.encode(x).latent_dist.mode() for one in (network, compiled)]
    torch.testing.assert_close(*made, rtol=0, atol=1e-4)


def test_what_no_kernel_computes_is_left_alone(monkeypatch):
    odd = nn.ModuleList(
        [
            nn.Conv2d(16, 16, 1),
            nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.Conv2d(16, 20, 3, padding=1),
            nn.Conv2d(16, 16, 3, padding=1, groups=2),
            nn.Conv2d(16, 16, 3, padding=1, padding_mode="reflect"),
            nn.GroupNorm(4, 16, affine=False),
        ]
    )
    blocks.compile_blocks(odd)
    assert all("forward" not in vars(module) for module in odd)
    one = nn.Conv2d(16, 16, 3, padding=1)
    with monkeypatch.context() as patch:
        patch.setattr(blocks, "MOST_WEIGHTS", 100)
        blocks.compile_blocks(one)
    assert "forward" not in vars(one)
    blocks.compile_blocks(one)
    assert "forward" in vars(one)
