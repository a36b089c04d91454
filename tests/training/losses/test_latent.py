"""The latent's loss: channels by their gains, and under ``psnr`` every sample by its logarithm."""

import math

import pytest
import torch

from bokehbench.training.losses.latent import PSNR_FLOOR, PSNR_WEIGHT, LatentLoss

GAINS = torch.tensor([1.0, 3.0])[:, None, None]


def test_channels_count_by_their_gains():
    target = torch.zeros(1, 2, 4, 4)
    first, second = target.clone(), target.clone()
    first[:, 0], second[:, 1] = 0.1, 0.1
    losses = [LatentLoss(GAINS, "mse")(z0, target) for z0 in (first, second)]
    assert [float(mse) for _, mse in losses] == pytest.approx([0.01, 0.03])
    assert [float(loss) for loss, _ in losses] == pytest.approx([0.04, 0.12])  # of pixels in [-1,1]


def test_under_psnr_each_sample_counts_by_its_logarithm():
    target = torch.zeros(2, 2, 4, 4)
    z0 = torch.stack([torch.full((2, 4, 4), 0.1), torch.full((2, 4, 4), 0.01)]).requires_grad_(True)
    loss, mse = LatentLoss(GAINS, "psnr")(z0, target)
    expected = [PSNR_WEIGHT * math.log(4.0 * value**2 + PSNR_FLOOR) for value in (0.1, 0.01)]
    assert float(loss) == pytest.approx(sum(expected) / 2)
    assert not mse.requires_grad
    assert loss.requires_grad


def test_a_higher_floor_lets_samples_that_are_right_count_less():
    off = torch.tensor([0.001, 0.1])[:, None, None, None].expand(2, 2, 4, 4)
    shares = []
    for floor in (PSNR_FLOOR, 1e-3):
        z0 = off.clone().requires_grad_(True)
        LatentLoss(GAINS, "psnr", floor)(z0, torch.zeros_like(z0))[0].backward()
        per_error = z0.grad.abs().amax(dim=(1, 2, 3)) / off[:, 0, 0, 0]
        shares.append(float(per_error[0] / per_error[1]))
    assert shares[0] > 500.0
    assert shares[1] < 50.0
