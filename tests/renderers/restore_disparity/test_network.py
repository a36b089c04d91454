"""The network on its own: identity at its start, free of the map's scale, compiled as it is defined."""

import copy

import pytest
import torch

from bokehbench.renderers.learned import freeze
from bokehbench.renderers.restore_disparity.compiled_layers import compile_layers
from bokehbench.renderers.restore_disparity.network import DisparityNetwork


@pytest.fixture(scope="module")
def network():
    """A network with random weights, its last layer's too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own = DisparityNetwork()
        torch.nn.init.normal_(own.conv_out.weight, std=0.1)
    freeze(own)
    return own


def _maps(batch, height, width):
    return torch.rand(batch, 4, height, width, generator=torch.Generator().manual_seed(0)).split([3, 1], dim=1)


def test_it_starts_as_the_identity():
    image, disparity = _maps(1, 16, 24)
    assert not DisparityNetwork()(image, disparity).any()


@pytest.mark.parametrize(("scale", "offset"), [(40.0, -7.0), (1e-4, 0.0)])
def test_scale_and_offset_of_the_map_come_out_as_they_went_in(network, scale, offset):
    image, disparity = _maps(1, 16, 24)
    change = network.double()(image.double(), disparity.double())
    scaled = network(image.double(), offset + scale * disparity.double())
    network.float()
    assert change.std() > 0.01
    torch.testing.assert_close(scaled, scale * change, rtol=1e-6, atol=1e-6 * scale)


def test_nothing_changes_far_from_where_the_map_varies(network):
    image, disparity = _maps(1, 16, 64)
    disparity[..., 20:] = 0.3
    change = network(image, disparity)
    assert change[..., :20].std() > 0.01
    assert not change[..., 34:].any()
    assert not network(image, torch.full_like(disparity, 0.7)).any()


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 38, 74), (2, 5, 10), (1, 1, 1)])
def test_compiled_layers_make_the_same(network, batch, height, width):
    fast = copy.deepcopy(network)
    compile_layers(fast)
    image, disparity = _maps(batch, height, width)
    with torch.no_grad():
        expected, made = network.double()(image.double(), disparity.double()), fast(image, disparity)
    network.float()
    assert made.shape == disparity.shape
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=2e-5)


def test_gradients_and_names_are_the_networks_own(network):
    fast = copy.deepcopy(network)
    compile_layers(fast)
    image, disparity = _maps(1, 8, 16)
    made = fast(image.requires_grad_(), disparity)
    assert made.requires_grad
    assert torch.equal(made, network(image, disparity))
    assert list(fast.state_dict()) == list(network.state_dict())
