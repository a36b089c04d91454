"""The radiance network starts where averages in linear light are."""

import torch

from bokehbench.renderers.defocus_to_focus.radiance import RadianceNetwork, power_weight
from bokehbench.training.defocus_to_focus.radiance_start import start_at_linear_light


def test_it_follows_the_power_of_the_brightness_and_its_seed():
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(RadianceNetwork())
        start_at_linear_light(networks[-1], seed=3)
        assert all(parameter.grad is None for parameter in networks[-1].parameters())
    grey = torch.linspace(0.1, 0.9, 9)[None, None, :, None].expand(1, 3, 9, 1)
    with torch.no_grad():
        first, second = (network(grey) for network in networks)
    assert torch.equal(first, second)
    assert float((first - power_weight(grey, 2.2)).abs().max()) < 0.06
