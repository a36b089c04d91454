"""The colour encoder is fitted to the autoencoder's encoder, and to pictures it was not shown."""

import pytest
import torch

from bokehbench.renderers.bokehdiff.compact import CompactSize, build_compact
from bokehbench.renderers.bokehdiff.training.colour_encoder_fit import fit_colour_encoder


@pytest.fixture
def pipeline():
    torch.manual_seed(0)
    return build_compact(size=CompactSize(vae_width=32, vae_groups=4, latent_channels=4, unet_widths=(16, 32)))


def test_is_alike_and_better_than_affine(pipeline, pictures):
    folders = [str(pictures / "photographs")]
    untrained, affine_db = fit_colour_encoder(pipeline, folders, pictures=10, steps=1)
    encoder, alike_db = fit_colour_encoder(pipeline, folders, pictures=10, steps=400)
    assert torch.equal(encoder.affine.weight, untrained.affine.weight)
    assert alike_db > affine_db + 1.0  # of an encoder with random weights
    assert not any(p.requires_grad for p in encoder.parameters())


def test_depends_on_the_seed_only(pipeline, pictures):
    folders = [str(pictures / "photographs")]
    first, second, other = (fit_colour_encoder(pipeline, folders, 9, 3, seed) for seed in (0, 0, 1))
    assert first[1] == second[1] != other[1]
    for name, weight in first[0].state_dict().items():
        assert torch.equal(weight, second[0].state_dict()[name])
