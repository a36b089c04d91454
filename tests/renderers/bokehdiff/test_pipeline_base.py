"""bokehdiff-plus: a residual on a classical renderer's picture."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.renderer import BokehDiffRenderer
from bokehbench.renderers.bokehdiff.variants import VARIANTS
from bokehbench.renderers.diffusion.tiling import cover_with_tiles


@pytest.fixture
def latents():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 16, 12, 20, generator=generator), torch.randn(2, 16, 12, 20, generator=generator)


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(1)
    disparity = 0.1 + 0.8 * torch.rand(2, 1, 48, 80, generator=generator)
    return disparity, 12 * disparity - 6


def test_variant_sets_its_networks_and_settings(plus):
    settings = plus.active_settings
    assert (settings.trained_as, settings.base) == ("bokehdiff-plus", "classical-occlusion")
    assert settings.condition_channels == ("defocus", "blur", "defocus_std")
    assert settings.in_focus_blend_px == 0.7
    assert plus.unet.config.in_channels == 16 + 3 + 16


@torch.no_grad()
def test_a_network_that_predicts_nothing_returns_the_base_exactly(plus, latents, maps):
    z, base = latents
    assert torch.equal(plus.denoise(z, *maps, base=base), base)
    assert torch.equal(plus.denoise(z, *maps, cover_with_tiles(12, 20, 8, 4), base=base), base)


@torch.no_grad()
def test_residual_is_taken_from_the_base_as_in_eq_1(plus, latents, maps):
    z, base = latents
    nn.init.constant_(plus.unet.conv_out.bias, 0.1)
    abar = plus.scheduler.alphas_cumprod[499]
    eps = (z - abar.sqrt() * base) / (1 - abar).sqrt() + 0.1
    expected = (z - (1 - abar).sqrt() * eps) / abar.sqrt()
    assert torch.allclose(plus.denoise(z, *maps, base=base), expected, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("channels", [slice(0, 16), slice(16, 19), slice(19, 35)])
def test_latent_conditions_and_base_all_reach_the_network(plus, latents, maps, channels):
    """A network that passes only these channels on says something, and other things of other inputs."""
    z, base = latents
    nn.init.normal_(plus.unet.conv_out.weight, std=0.02)
    plus.unet.conv_in.weight.data[:, [i for i in range(35) if not channels.start <= i < channels.stop]] = 0.0
    inputs = {"z": z, "base": base, "defocus_px": maps[1]}
    mine = {0: "z", 16: "defocus_px", 19: "base"}[channels.start]
    changed = inputs | {mine: inputs[mine].flip(-1)}
    plus.configure(
        plus.active_settings.as_variant(VARIANTS["bokehdiff-vanilla"])
    )  # geometry reaches attention otherwise
    residuals = [plus.denoise(i["z"], maps[0], i["defocus_px"], base=i["base"]) - i["base"] for i in (inputs, changed)]
    assert (residuals[0] - residuals[1]).abs().max() > 1e-4
    for other in set(inputs) - {mine}:
        i = inputs | {other: inputs[other].flip(-1)}
        unmoved = plus.denoise(i["z"], maps[0], i["defocus_px"], base=i["base"]) - i["base"]
        assert torch.allclose(unmoved, residuals[0], atol=1e-5)


@torch.no_grad()
def test_tiles_see_their_part_of_every_input(plus, latents, maps):
    """A network of single px: tiled equals untiled to rounding."""
    z, base = latents
    plus.unet = SinglePx(plus.unet)
    whole, tiled = (plus.denoise(z, *maps, t, base=base) for t in (None, cover_with_tiles(12, 20, 8, 4)))
    assert torch.allclose(whole, tiled, atol=1e-5)
    assert (whole - base).abs().mean() > 0.01


class SinglePx(nn.Module):
    """A mix of each px's channels, behind the U-Net's face."""

    def __init__(self, unet):
        super().__init__()
        self.config, self.dtype = unet.config, unet.dtype
        self.mix = nn.Conv2d(unet.config.in_channels, unet.config.out_channels, 1)

    def forward(self, sample, *condition, **more):
        return (self.mix(sample),)


@torch.no_grad()
def test_gradients_reach_the_network_through_the_residual(plus, latents, maps):
    z, base = latents
    with torch.enable_grad():
        plus.denoise(z, *maps, base=base).square().mean().backward()
    assert float(plus.unet.conv_out.weight.grad.abs().max()) > 0


@pytest.mark.parametrize("residual", ["picture", "latent"])
def test_untrained_model_returns_the_base_or_its_reconstruction_and_keeps_what_is_in_focus(plus, residual):
    plus.configure(dataclasses.replace(plus.active_settings, residual=residual))
    image, base = torch.rand(1, 3, 40, 56), torch.rand(1, 3, 40, 56)
    disparity = torch.full((1, 1, 40, 56), 0.2)
    disparity[..., 30:] = 0.9
    output = plus(image, disparity, 0.9, 10.0, base_image=base).images
    with torch.no_grad():
        padded = plus._pad(base)
        reconstruction = plus.decode(plus.encode(padded))[..., :40, :56].clamp(0, 1)
    expected = base if residual == "picture" else reconstruction
    assert torch.allclose(output[..., :30], expected[..., :30], atol=1e-5)
    assert (reconstruction - base).abs().max() > 0.01
    assert torch.equal(output[..., 33:], image[..., 33:])


def test_picture_residual_adds_what_the_network_changes(plus):
    image, base, disparity = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)
    nn.init.normal_(plus.unet.conv_out.weight, std=0.02)
    outputs = {}
    for residual in ("picture", "latent"):
        settings = dataclasses.replace(plus.active_settings, residual=residual, in_focus_blend_px=0.0)
        plus.configure(settings)
        outputs[residual] = plus(0.4 + 0.2 * image, disparity, 0.5, 4.0, base_image=0.4 + 0.2 * base).images
    with torch.no_grad():
        loss = 0.4 + 0.2 * base - plus.decode(plus.encode(0.4 + 0.2 * base))
    inside = (outputs["picture"] > 0.0) & (outputs["picture"] < 1.0)
    inside &= (outputs["latent"] > 0.0) & (outputs["latent"] < 1.0)
    assert inside.float().mean() > 0.5
    assert torch.allclose((outputs["picture"] - outputs["latent"])[inside], loss[inside], atol=1e-5)


def test_picture_residual_needs_a_base(compact):
    with pytest.raises(InvalidOptionError, match="residual: expected 'latent' without a base"):
        dataclasses.replace(compact.active_settings, residual="picture")


def test_base_that_is_missing_or_not_wanted_is_said_in_one_line(plus, compact, latents, maps):
    image, disparity = torch.rand(1, 3, 16, 16), torch.rand(1, 1, 16, 16)
    with pytest.raises(InvalidOptionError, match=r"^base_image: .* renderer classical-occlusion, got none$"):
        plus(image, disparity, 0.5, 4.0)
    with pytest.raises(InvalidOptionError, match=r"^base_image: .* expects none, got one$"):
        compact(image, disparity, 0.5, 4.0, base_image=image)
    with pytest.raises(InvalidOptionError, match=r"^base: "):
        plus.denoise(latents[0], *maps)


def test_forgetting_reaches_the_base():
    renderer, forgotten = BokehDiffRenderer(variant="bokehdiff-plus"), []
    renderer.forget()  # before anything is loaded there is nothing to drop
    renderer._base = SimpleNamespace(forget=lambda: forgotten.append(True))
    renderer.forget()
    assert forgotten == [True]
