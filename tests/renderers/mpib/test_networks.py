"""Layout of the networks: what the published weights fit; and planes against one convolution of everything."""

import hashlib

import pytest
import torch
import torch.nn.functional as F

from bokehbench.renderers.mpib.networks import _Block


@pytest.mark.parametrize(
    ("place", "tensors", "parameters", "digest"),
    [
        (0, 202, 14_951_683, "ce26504d8b1f2984"),
        (1, 51, 40_513, "c5460c2c768e4b58"),
        (2, 521, 27_048_835, "66568fbe91a3fbb2"),
    ],
)
def test_layout_is_the_published_one(networks, place, tensors, parameters, digest):
    """The digest is of the sorted lines ``NAME (SHAPE)`` of all tensors that the authors' classes have."""
    state = networks[place].state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in networks[place].parameters()) == parameters
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == digest


def test_some_of_the_names_and_shapes(networks):
    mpinet, aupnet, inpnet = (network.state_dict() for network in networks)
    assert mpinet["encoder.encoder.layer2.0.downsample.0.1.weight"].shape == (128, 64, 1, 1)
    assert mpinet["decoder.convs.(-'-u-p-c-o-n-v-'-,- -1-,- -1-).conv.conv.weight"].shape == (32, 112, 3, 3)
    assert aupnet["conv_output.0.conv.conv.weight"].shape == (32, 48, 3, 3)
    assert inpnet["model.13.conv2.ffc.convg2g.fu.conv_layer.weight"].shape == (384, 384, 1, 1)


@pytest.mark.parametrize("at", [0, 3, 5])
def test_what_planes_share_is_convolved_once(at):
    """The definition: concatenation, replicated border, convolution, batch normalisation, ELU, plane by plane."""
    torch.manual_seed(0)
    block = _Block(5, 4, shared=6, at=at).requires_grad_(False).eval()
    block.bn.running_mean.uniform_(-1.0, 1.0)
    block.bn.running_var.uniform_(0.5, 2.0)
    block.bn.weight.uniform_(0.5, 2.0)
    own, shared = torch.rand(3, 5, 7, 8), torch.rand(1, 6, 7, 8)
    everything = torch.cat([own[:, :at], shared.expand(3, -1, -1, -1), own[:, at:]], dim=1)
    expected = F.elu(block.bn(block.conv(everything)))
    torch.testing.assert_close(block(own, block.share(shared)), expected, atol=1e-5, rtol=0.0)


def test_planes_without_pixels_are_made_once(networks):
    """The end of a slice belongs to both planes."""
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    shares, alphas, places = networks[0](image, torch.full((1, 1, 32, 32), 3.0 / 32.0))
    assert places == [2, 2, 0, 1, *[2] * 28]
    for maps in (shares, alphas):
        assert maps.shape == (3, 1, 32, 32)
        assert 0.0 < float(maps.min()) <= float(maps.max()) < 1.0
        assert torch.equal(maps[0], maps[1])
        assert not torch.equal(maps[0], maps[2])


def test_planes_that_all_have_pixels_are_all_made(networks):
    ramp = torch.linspace(0.0, 1.0, 32 * 32).reshape(1, 1, 32, 32)
    shares, alphas, places = networks[0](torch.rand(1, 3, 32, 32), ramp)
    assert len(shares) == len(alphas) == 32
    assert places == list(range(32))


def test_opacities_are_doubled(networks):
    alphas = torch.rand(2, 1, 5, 6)
    enlarged = networks[1](alphas, networks[1].share(torch.rand(1, 3, 10, 12), torch.rand(1, 1, 10, 12)))
    assert enlarged.shape == (2, 1, 10, 12)
    assert 0.0 < float(enlarged.min()) <= float(enlarged.max()) < 1.0
