"""The colour encoder is fitted to the autoencoder's encoder, and knows to which."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.training.bokehdiff import fit_colour_encoder as fitting
from bokehbench.training.bokehdiff.digests import digest_encoder
from bokehbench.training.bokehdiff.fit_colour_encoder import fit_colour_encoder, least_squares


@pytest.fixture
def pipeline():
    torch.manual_seed(0)
    return build_compact(size=CompactSize(vae_width=32, vae_groups=4, latent_channels=4, unet_widths=(16, 32)))


def test_is_alike_and_better_than_affine(pipeline, pictures, monkeypatch):
    monkeypatch.setattr(fitting, "BATCH", 512)
    folders = [str(pictures / "photographs")]
    untrained, encoder = (fit_colour_encoder(pipeline, folders, pictures=10, steps=steps) for steps in (1, 400))
    assert torch.equal(encoder.affine.weight, untrained.affine.weight)
    assert encoder.config.alike_db > untrained.config.alike_db + 1.0  # of an encoder with random weights
    assert encoder.config.fitted_to == digest_encoder(pipeline.vae)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_depends_on_the_seed_only(pipeline, pictures):
    folders = [str(pictures / "photographs")]
    first, second, other = (fit_colour_encoder(pipeline, folders, 9, 3, seed) for seed in (0, 0, 1))
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.affine.weight, other.affine.weight)


def test_least_squares_does_not_depend_on_freed_memory():
    generator = torch.Generator().manual_seed(0)
    design, values = (torch.rand(300, columns, dtype=torch.float64, generator=generator) for columns in (76, 4))
    design[:, 1] = design[:, 0]  # singular
    solutions = []
    for ones in range(0, 76, 4):
        pivots = (torch.randperm(76, generator=generator) < ones).int()
        del pivots  # its memory is what the solver's pivoting order gets
        solutions.append(least_squares(design, values))
    assert all(torch.equal(solution, solutions[0]) for solution in solutions)
    torch.testing.assert_close(solutions[0][0], solutions[0][1])  # of least norm: equal columns share their weight
    torch.testing.assert_close(design.T @ (design @ solutions[0] - values), torch.zeros(76, 4, dtype=torch.float64))


def test_no_pieces_to_fit(pipeline, pictures):
    with pytest.raises(InvalidOptionError, match="pictures: expected more than 8, got 8"):
        fit_colour_encoder(pipeline, [str(pictures / "photographs")], pictures=8)


def test_digest_is_the_encoders(pipeline):
    before = digest_encoder(pipeline.vae)
    pipeline.vae.decoder.conv_in.bias.data += 1.0
    assert digest_encoder(pipeline.vae) == before
    pipeline.vae.quant_conv.bias.data += 1.0
    assert digest_encoder(pipeline.vae) != before
