"""The compact network: what starts at zero, what belongs to which branch, what reaches what."""

import pytest
import torch
from torch import nn

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.magicbokeh.network import MagicBokehNetwork, defocus_maps
from bokehbench.renderers.magicbokeh.settings import MagicSettings, NetworkSize

TINY = NetworkSize(latent_channels=4, widths=(16, 32), blocks=(1, 1), heads=2, rank=4)
SETTINGS = MagicSettings(size=TINY)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MagicBokehNetwork(SETTINGS)


@pytest.fixture(scope="module")
def maps():
    draw = torch.Generator().manual_seed(1)
    latents = [torch.randn(2, 4, 8, 8, generator=draw) for _ in range(2)]
    return *latents, torch.linspace(-1.5, 1.5, 2 * 32 * 32).view(2, 1, 32, 32)


def test_it_starts_at_the_base(network, maps):
    assert float(network(*maps).detach().abs().max()) == 0.0


def test_an_untrained_bokeh_branch_changes_nothing(network, maps):
    """Whatever the restoration branch has learned: the same bits at any defocus as at none."""
    unet = network.unet.requires_grad_(False)
    for layer in (unet.conv_out, *(attention.out for attention in unet.attentions)):
        nn.init.normal_(layer.weight, std=0.1)
    network.start_control()
    z_base, z, defocus = maps
    with torch.no_grad():
        blurred, sharp = network(z_base, z, defocus), network(z_base, z, torch.zeros_like(defocus))
    assert float(blurred.abs().max()) > 0.1
    assert torch.equal(blurred, sharp)


def test_every_parameter_belongs_to_one_branch(network):
    restoration, bokeh = ({id(p) for p in ps} for ps in (network.restoration_parameters(), network.bokeh_parameters()))
    assert not restoration & bokeh
    assert restoration | bokeh == {id(p) for p in network.parameters()}


def test_the_bokeh_branch_learns_from_its_zero_layers(network, maps):
    nn.init.normal_(network.unet.conv_out.weight, std=0.1)
    network(*maps).square().mean().backward()
    opened = [*(layer.weight for layer in network.control.zero), *(one.up["o"].weight for one in network.low_rank)]
    assert all(float(weight.grad.abs().max()) > 0.0 for weight in opened)
    assert network.low_rank[0].up["q"].weight.grad.abs().max() == 0.0  # until up["o"] lets it through


def test_the_bokeh_branch_is_given_defocus_as_the_source_has_it():
    defocus = torch.zeros(1, 1, 8, 4)
    defocus[..., 4:, :2], defocus[..., 4:, 2:] = -0.5, 0.5
    blur, signed, spread = defocus_maps(defocus)[0, :, :, 0]
    assert blur.tolist() == [-1.0, 0.0]  # 2 |D| - 1
    assert signed.tolist() == [0.0, 0.0]
    assert spread.tolist() == [0.0, 0.5]


def test_settings_survive_json_and_are_checked():
    assert MagicSettings.from_json(SETTINGS.to_json()) == SETTINGS
    with pytest.raises(
        InvalidOptionError, match=r"settings\.attention: expected code or paper or unmasked, got 'mask'"
    ):
        MagicSettings(attention="mask")
    with pytest.raises(InvalidOptionError, match=r"size\.widths: expected multiples of 16 \(groups\)"):
        NetworkSize(widths=(16, 24), blocks=(1, 1))
    with pytest.raises(InvalidOptionError, match=r"unknown entry settings\.atention"):
        MagicSettings.from_json({"atention": "code"})
