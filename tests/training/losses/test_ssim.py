"""1 - SSIM as a loss."""

import pytest
import torch
from skimage.metrics import structural_similarity

from bokehbench.training.losses.ssim import ssim_loss


def test_it_is_one_less_the_structural_similarity_of_square_windows():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 3, 24, 30, generator=generator) for _ in range(2))
    second = 0.7 * first + 0.3 * second
    # scikit-image crops half a window from its map: what is left are whole windows.
    expected = structural_similarity(
        first[0].permute(1, 2, 0).numpy(),
        second[0].permute(1, 2, 0).numpy(),
        win_size=7,
        channel_axis=2,
        data_range=1.0,
        use_sample_covariance=False,
    )
    assert float(ssim_loss(first, second)) == pytest.approx(1.0 - expected, abs=1e-5)
    assert float(ssim_loss(first, first)) == pytest.approx(0.0, abs=1e-6)
