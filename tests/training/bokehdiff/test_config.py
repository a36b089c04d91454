import dataclasses

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.settings import read_record
from bokehbench.training.bokehdiff.config import AutoencoderConfig, LatentConfig, LossConfig, PictureConfig


@pytest.fixture
def values(settings):
    return {"data": {"scenes": settings, "crop_px": 32}}


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (LatentConfig, {"hardness": [3.0]}, "model.hardness: expected 2 values, got 1"),
        (LatentConfig, {"hardness": 3.0}, "model.hardness: expected a list"),
        (LatentConfig, {"hardness": [0.5, 3.0]}, "hardness: expected two numbers above 1"),
        (LatentConfig, {"variant": "bokehdif"}, "variant: expected"),
        (LatentConfig, {"data": {}}, "missing entry model.data.scenes"),
        (LatentConfig, {"output_form": "v"}, "output_form: expected noise or residual or blurred-colours"),
        (
            LatentConfig,
            {"output_form": "noise", "variant": "bokehdiff-plus"},
            "output_form: expected 'residual' of bokehdiff-plus, got 'noise'",
        ),
        (LatentConfig, {"output_form": "noise", "start": "model"}, "output_form: expected none: that of 'start' stays"),
        (LatentConfig, {"size": {"unet_widths": [3, 5]}}, "size.unet_widths: expected multiples of 16"),
        (LatentConfig, {"latent_loss": "l1"}, "latent_loss: expected mse or psnr"),
        (LatentConfig, {"profile": "ours"}, "profile: expected paper or code"),
        (LatentConfig, {"rays": 0}, "rays: expected 1 or more"),
        (LatentConfig, {"pair_cut": -1.0}, "pair_cut: expected 0 or more"),
        (LatentConfig, {"fixed_encoder": True}, "unknown entry model.fixed_encoder"),
        (LatentConfig, {"network": {}}, "unknown entry model.network"),
        (PictureConfig, {"latent_loss": "psnr"}, "unknown entry model.latent_loss"),
        (AutoencoderConfig, {"latent_loss": "psnr"}, "unknown entry model.latent_loss"),
        (AutoencoderConfig, {"pair_cut": 7.0}, "unknown entry model.pair_cut"),
        (
            PictureConfig,
            {"losses": {"mse": 0.0, "lpips": 0.0, "edge": 0.0, "adversarial": 0.0}},
            "losses: expected one weight above 0",
        ),
        (PictureConfig, {"network": {"unet_part": "up"}}, "network.unet_part: expected all or down"),
        (PictureConfig, {"network": {"encoder_rate": -1.0}}, "network.encoder_rate: expected 0 or more"),
    ],
)
def test_mistakes_are_named(values, config, change, message):
    with pytest.raises(InvalidOptionError, match=f"^{message}"):
        read_record(config, values | change, "model.")


def test_what_decides_nothing_is_no_part_of_the_identity(values):
    config = read_record(PictureConfig, values)
    losses = LossConfig(perceptual_weights="here", discriminator_weights="there")
    data = dataclasses.replace(config.data, validation=config.data.scenes)
    assert dataclasses.replace(config, losses=losses, data=data).identity() == config.identity()
    assert dataclasses.replace(config, losses=LossConfig(mse=2.0)).identity() != config.identity()
