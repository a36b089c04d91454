"""Layout of the networks: what the published weights fit."""

import pytest
import skimage.data
import torch
import torch.nn.functional as F

from bokehbench.renderers.bokehme.networks import IUNet
from bokehbench.renderers.read_weights import read_network

HIDDEN = {f"block_stack.blocks.{block}.{half}.conv" for block in range(3) for half in range(2)}


@pytest.mark.parametrize(
    ("place", "width", "inputs", "outputs", "parameters"), [(0, 128, 17, 16, 923_664), (1, 64, 20, 12, 240_076)]
)
def test_layout_is_the_published_one(networks, place, width, inputs, outputs, parameters):
    state = networks[place].state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == parameters
    assert {name.rpartition(".")[0] for name in state} == HIDDEN | {"conv0.conv", "conv1.conv"}
    assert state["conv0.conv.weight"].shape == (width, inputs, 3, 3)
    assert state["conv1.conv.weight"].shape == (outputs, width, 3, 3)
    assert all(state[f"{name}.weight"].shape == (width, width, 3, 3) for name in HIDDEN)


@pytest.mark.parametrize("size", [(16, 20), (15, 21), (1, 1), (2, 3)])
def test_any_size_comes_back(networks, size):
    arnet, iunet = networks
    image, defocus = torch.rand(2, 3, *size), torch.rand(2, 1, *size)
    with torch.no_grad():
        picture, error = arnet(image, defocus, 2.2)
        assert picture.shape == image.shape
        assert error.shape == defocus.shape
        assert 0.0 < float(error.min()) <= float(error.max()) < 1.0
        assert iunet(image, defocus, picture, 2.2).shape == image.shape


@pytest.mark.parametrize("gamma", [2.2, 4.0])
def test_the_authors_weights_keep_what_is_in_focus(published, gamma):
    """A photograph, half of its size as the coarse one, no defocus: their network gives it back at 46 to 48 dB."""
    iunet = read_network(IUNet(), published).eval()
    image = torch.from_numpy(skimage.data.astronaut()[:256, :320].transpose(2, 0, 1) / 255.0).float()[None]
    with torch.no_grad():
        coarse = F.interpolate(image, scale_factor=0.5, mode="bilinear", antialias=True)
        output = iunet(image, torch.zeros_like(image[:, :1]), coarse, gamma)
    assert float(-10.0 * torch.log10((output - image).square().mean())) > 44.0
