import pytest
import torch
import torch.nn.functional as F

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.training.bokehdiff.pca_initialisation import principal_components, start_at_principal_components


def smooth_pictures():
    torch.manual_seed(0)
    coarse = torch.rand(6, 3, 8, 8)
    return F.interpolate(coarse, (64, 64), mode="bicubic", align_corners=False).clamp(0, 1)


def test_the_start_reconstructs_as_well_as_its_components():
    pictures = smooth_pictures()
    pixels = F.pixel_unshuffle(2 * pictures - 1, 4)
    pipeline = build_compact(size=CompactSize(vae_width=160, latent_channels=12))
    start_at_principal_components(pipeline.vae, pixels)
    with torch.no_grad():
        rebuilt = pipeline.decode(pipeline.encode(pictures))
    mean, components, _ = principal_components(pixels, 12)
    flat = pixels.permute(0, 2, 3, 1) - mean
    best = F.pixel_shuffle(((flat @ components) @ components.T + mean).permute(0, 3, 1, 2), 4) / 2 + 0.5
    assert float((rebuilt - best).abs().max()) < 0.02
    assert float((rebuilt - pictures).square().mean()) < 1e-4


def test_components_of_a_known_distribution():
    torch.manual_seed(0)
    axes = torch.linalg.qr(torch.randn(5, 5))[0]
    deviations = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.1])
    samples = (torch.randn(20000, 5) * deviations) @ axes.T + 3.0
    mean, components, variances = principal_components(samples.T.reshape(1, 5, 20000, 1), 3)
    assert torch.allclose(mean, torch.full((5,), 3.0), atol=0.15)
    assert torch.allclose(variances.sqrt(), deviations[:3], rtol=0.05)
    assert torch.allclose((components.T @ axes[:, :3]).diagonal().abs(), torch.ones(3), atol=0.01)


def test_too_narrow_networks_are_refused():
    pipeline = build_compact(size=CompactSize(vae_width=32, vae_groups=8))
    with pytest.raises(InvalidOptionError, match="16 latent channels need 48 channels in 8 groups, got 32"):
        start_at_principal_components(pipeline.vae, torch.rand(2, 48, 8, 8))
