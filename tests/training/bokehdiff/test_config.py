import dataclasses
import math

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.settings import read_settings
from bokehbench.training.bokehdiff.config import AutoencoderConfig, LatentConfig, LossConfig, PictureConfig

HUGE = 10**400


@pytest.fixture
def values(settings):
    return {"data": {"scenes": settings, "crop_px": 32}}


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        (LatentConfig, {"hardness": [3.0]}, "model.hardness: expected 2 values, got 1"),
        (LatentConfig, {"hardness": 3.0}, "model.hardness: expected a list"),
        (LatentConfig, {"hardness": [0.5, 3.0]}, "hardness: expected 1 to 1e.30"),
        (LatentConfig, {"variant": "bokehdif"}, "variant: expected"),
        (LatentConfig, {"data": {}}, "missing entry model.data.scenes"),
        (LatentConfig, {"output_form": "v"}, "output_form: expected noise or residual or blurred-colours"),
        (
            LatentConfig,
            {"output_form": "noise", "variant": "bokehdiff-plus"},
            "output_form: expected 'residual' of bokehdiff-plus, got 'noise'",
        ),
        (LatentConfig, {"output_form": "noise", "start": "model"}, "output_form: expected none: that of 'start' stays"),
        (
            LatentConfig,
            {"size": {"unet_widths": [3, 5]}},
            r"size.unet_widths: expected multiples of 16 \(unet_groups\)",
        ),
        (LatentConfig, {"size": {"heads": 0}}, "size.heads: expected 1 to 256, got 0"),
        (LatentConfig, {"size": {"heads": 5}}, "size.unet_widths: expected multiples of 5 .heads."),
        (LatentConfig, {"size": {"unet_widths": []}}, "size.unet_widths: expected 2 to 8 values, got "),
        (LatentConfig, {"size": {"unet_widths": [16, -16]}}, "size.unet_widths: expected 1 to 8192"),
        (LatentConfig, {"size": {"unet_widths": [16, HUGE]}}, r"size.unet_widths: expected 1 to 8192, .* characters"),
        (LatentConfig, {"size": {"prompt_width": 0}}, "size.prompt_width: expected 1 to 8192, got 0"),
        (LatentConfig, {"size": {"unet_groups": 0}}, "size.unet_groups: expected 1 to 8192, got 0"),
        (LatentConfig, {"size": {"vae_width": 30}}, "size.vae_width: expected a multiple of 8 .vae_groups., got 30"),
        (LatentConfig, {"size": {"latent_channels": 49}}, "size.latent_channels: expected 1 to 3 factor.2 = 48"),
        (LatentConfig, {"size": {"factor": 0}}, "size.factor: expected 1 to 16, got 0"),
        (LatentConfig, {"hardness": [3.0, HUGE]}, "hardness: expected 1 to 1e.30, got .3.0, inf."),
        (LatentConfig, {"pair_cut": math.nan}, "pair_cut: expected 0 to 1000, got nan"),
        (LatentConfig, {"start": ""}, "start: expected a path, got ''"),
        (LatentConfig, {"autoencoder": "a" * 300}, "autoencoder: expected a path, got 'a"),
        (PictureConfig, {"losses": {"perceptual_weights": "a\0b"}}, "losses.perceptual_weights: expected a path"),
        (
            PictureConfig,
            {"losses": {"discriminator_network": "vgg"}},
            "losses.discriminator_network: expected convnext",
        ),
        (
            PictureConfig,
            {"losses": {"discriminator_network": "alex", "discriminator_weights": "convnext.safetensors"}},
            "losses.discriminator_weights: expected none with discriminator_network alex",
        ),
        (PictureConfig, {"network": {"lora_rank": HUGE}}, "network.lora_rank: expected 0 to 8192"),
        (LatentConfig, {"latent_loss": "l1"}, "latent_loss: expected mse or psnr"),
        (LatentConfig, {"profile": "ours"}, "profile: expected paper or code"),
        (LatentConfig, {"rays": 0}, "rays: expected 1 to 1024, got 0"),
        (LatentConfig, {"pair_cut": -1.0}, "pair_cut: expected 0 to 1000, got -1.0"),
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
        (PictureConfig, {"network": {"encoder_rate": -1.0}}, "network.encoder_rate: expected 0 to 1000000, got -1.0"),
    ],
)
def test_mistakes_are_named(values, config, change, message):
    with pytest.raises(InvalidOptionError, match=f"^{message}"):
        read_settings(config, values | change, "model.")


def test_what_decides_nothing_is_no_part_of_the_identity(values):
    config = read_settings(PictureConfig, values)
    losses = LossConfig(perceptual_weights="here", discriminator_weights="there")
    data = dataclasses.replace(config.data, validation=config.data.scenes)
    assert dataclasses.replace(config, losses=losses, data=data).identity() == config.identity()
    assert dataclasses.replace(config, losses=LossConfig(mse=2.0)).identity() != config.identity()


def test_trainings_that_began_before_there_was_a_choice_go_on(values):
    config = read_settings(PictureConfig, values)
    assert "pooling" not in config.identity()
    assert "discriminator_network" not in config.identity()["losses"]
    chosen = dataclasses.replace(config, pooling="two-radii", losses=LossConfig(discriminator_network="alex"))
    assert chosen.identity()["pooling"] == "two-radii"
    assert chosen.identity()["losses"]["discriminator_network"] == "alex"
