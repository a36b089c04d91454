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


def _folded(network, batch, height, width):
    """Values as the first layer is given them: pictures, defocus, gamma."""
    torch.manual_seed(0)
    return torch.rand(batch, network.conv0.conv.in_channels, height, width)


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 19, 37), (2, 3, 5)])
def test_render_the_same(networks, batch, height, width):
    own, fast = networks
    folded = _folded(own, batch, height, width)
    with torch.no_grad():
        expected = copy.deepcopy(own).double().layers(folded.double())
        made = fast.layers(folded)
    assert expected.std() > 0.05
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=1e-5)


def test_gradients_and_names_are_the_networks_own(networks):
    own, fast = networks
    folded = _folded(own, 1, 4, 6).requires_grad_()
    assert torch.equal(own.layers(folded), fast.layers(folded))
    assert fast.layers(folded).requires_grad
    assert list(fast.state_dict()) == list(own.state_dict())
