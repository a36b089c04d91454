"""The in-painting network: what it looks at, and which sizes it takes. Its layout is held in test_networks.py."""

import pytest
import torch

from bokehbench.renderers.mpib.inpainting import _Spectrum


def test_it_does_not_look_into_the_hole(networks):
    image = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(1, 1, 16, 24)
    hole[..., 4:9, 6:20] = 1.0
    filled = networks[2](image, hole)
    assert filled.shape == image.shape
    assert 0.0 < float(filled.min()) <= float(filled.max()) < 1.0
    assert torch.equal(networks[2](image + hole, hole), filled)
    assert not torch.equal(networks[2](image + 0.1, hole), filled)


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (2, 3)])
def test_the_spectrum_of_any_size_comes_back(size):
    """A convolution that changes nothing, and a normalisation that keeps all above 0, give the input back."""
    unit = _Spectrum(2).requires_grad_(False).eval()
    unit.conv_layer.weight.copy_(torch.eye(4)[:, :, None, None])
    unit.bn.running_mean.fill_(-100.0)
    shifted = unit(torch.rand(1, 2, *size, generator=torch.Generator().manual_seed(0)))
    unit.bn.bias.fill_(0.0)
    image = torch.rand(1, 2, *size, generator=torch.Generator().manual_seed(0))
    constant = unit(torch.zeros(1, 2, *size))
    torch.testing.assert_close(shifted - constant, image, atol=2e-3, rtol=0.0)
