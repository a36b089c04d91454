"""The compiled layers against PyTorch's, with the weights that ship."""

import copy

import pytest
import torch

from bokehbench.renderers.bokehme.compiled_layers import compile_layers
from bokehbench.renderers.bokehme.networks import ARNet, IUNet
from bokehbench.renderers.bokehme.weight_files import find_files
from bokehbench.renderers.learned import freeze
from bokehbench.renderers.read_weights import read_network


@pytest.fixture(scope="module", params=["arnet", "iunet"])
def networks(request):
    """A network's own layers, and the same compiled."""
    own = read_network({"arnet": ARNet, "iunet": IUNet}[request.param](), getattr(find_files(None), request.param))
    freeze(own)
    fast = copy.deepcopy(own)
    compile_layers(fast)
    return own, fast


def _render(network, maps):
    """Return what a network makes of picture, defocus and coarse picture, (B,7,H,W)."""
    image, defocus, coarse = maps.split([3, 1, 3], dim=1)
    if isinstance(network, ARNet):
        return torch.cat(network(image, defocus, 2.2), dim=1)
    return network(image, defocus, coarse, 2.2)


def _maps(batch, height, width):
    return torch.rand(batch, 7, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 38, 74), (2, 5, 10)])
def test_render_the_same(networks, batch, height, width):
    own, fast = networks
    maps = _maps(batch, height, width)
    with torch.no_grad():
        expected, made = _render(copy.deepcopy(own).double(), maps.double()), _render(fast, maps)
    assert expected.std() > 0.05
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=1e-5)


def test_gradients_and_names_are_the_networks_own(networks):
    own, fast = networks
    maps = _maps(1, 8, 12).requires_grad_()
    made = _render(fast, maps)
    assert made.requires_grad
    assert torch.equal(made, _render(own, maps))
    assert list(fast.state_dict()) == list(own.state_dict())
