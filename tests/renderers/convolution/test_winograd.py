"""Compiled convolutions against PyTorch's in float64."""

import numba
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bokehbench.renderers.convolution.winograd import NO_NORM, NO_RESIDUAL, Moments, convolve, pack_weights


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _convolve(x, weight, bias, norm=NO_NORM, residual=NO_RESIDUAL, elu=False):
    out = np.empty((*x.shape[:2], len(weight)), np.float32)
    convolve(x, pack_weights(weight), bias, out, norm, norm is not NO_NORM, residual, elu)
    return out


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (5, 7), (16, 32), (33, 70)])
@pytest.mark.parametrize(("inputs", "outputs"), [(16, 48), (48, 16)])
def test_is_a_convolution(height, width, inputs, outputs):
    x, weight, bias = _random(inputs, height, width), _random(outputs, inputs, 3, 3, seed=1), _random(outputs, seed=2)
    expected = F.conv2d(x.double(), weight.double(), bias.double(), padding=1).permute(1, 2, 0)
    made = _convolve(x.permute(1, 2, 0).contiguous().numpy(), weight.numpy(), bias.numpy())
    torch.testing.assert_close(
        torch.from_numpy(made).double(),
        expected,
        rtol=0,
        atol=1e-4 * float(weight.square().sum()) ** 0.5 / outputs**0.5,
    )


def test_normalises_and_activates_first_and_adds_last():
    """The zeros around the picture are not activated."""
    x, weight, bias = 30.0 * _random(32, 18, 37), _random(16, 32, 3, 3, seed=1), _random(16, seed=2)
    mean, scale, shift = (_random(32, seed=seed) for seed in (3, 4, 5))
    residual = _random(18, 37, 16, seed=6)
    seen = F.silu((x.double() - mean[:, None, None]) * scale[:, None, None] + shift[:, None, None])
    expected = F.conv2d(seen, weight.double(), bias.double(), padding=1).permute(1, 2, 0) + residual
    norm = Moments(mean.numpy(), scale.numpy(), shift.numpy())
    pixels = x.permute(1, 2, 0).contiguous().numpy()
    made = _convolve(pixels, weight.numpy(), bias.numpy(), norm, residual.numpy())
    torch.testing.assert_close(torch.from_numpy(made).double(), expected, rtol=0, atol=1e-4 * float(expected.std()))


def test_elu_comes_before_the_residual_which_may_be_written_over():
    x, weight, bias = 3.0 * _random(16, 18, 37), _random(20, 16, 3, 3, seed=1), _random(20, seed=2)
    out = _random(18, 37, 20, seed=3)
    expected = F.elu(F.conv2d(x.double(), weight.double(), bias.double(), padding=1)).permute(1, 2, 0) + out
    pixels = x.permute(1, 2, 0).contiguous().numpy()
    convolve(pixels, pack_weights(weight.numpy()), bias.numpy(), out.numpy(), NO_NORM, False, out.numpy(), True)
    torch.testing.assert_close(out.double(), expected, rtol=0, atol=1e-4 * float(expected.std()))


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread")
def test_threads_change_no_bit():
    x, weight, bias = _random(70, 40, 16).numpy(), _random(16, 16, 3, 3, seed=1).numpy(), np.zeros(16, np.float32)
    before, made = numba.get_num_threads(), []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            made.append(_convolve(x, weight, bias))
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(*made)
