"""What a training starts from, and which encoders it uses, leaves alone, or leaves out."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff.inputs.colour_encoder import ColourEncoder
from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.training.bokehdiff.build import build_pipeline
from bokehbench.training.bokehdiff.config import (
    AutoencoderConfig,
    LatentConfig,
    LossConfig,
    NetworkConfig,
    PictureConfig,
)
from bokehbench.training.bokehdiff.digests import digest_encoder
from bokehbench.training.engine.config import RunConfig
from bokehbench.training.scenes.config import DataConfig


@pytest.fixture
def start(size, tmp_path):
    """A saved pipeline with a colour encoder."""
    pipeline = build_compact(size=size, output_form="blurred-colours")
    fitted = ColourEncoder(size.latent_channels, width=4, fitted_to=digest_encoder(pipeline.vae))
    fitted.save_pretrained(tmp_path / "colours")
    pipeline.register_modules(colour_encoder=fitted)
    pipeline.save_pretrained(tmp_path / "start")
    return tmp_path / "start"


@pytest.fixture
def model(synthesis, start):
    """What every task starts from."""
    return {"data": DataConfig(scenes=synthesis, crop_px=32), "start": str(start)}


def test_more_parameters_than_fit_are_refused_before_they_take_memory(synthesis):
    config = LatentConfig(data=DataConfig(scenes=synthesis, crop_px=32), size=CompactSize(unet_widths=(8192, 8192)))
    with pytest.raises(InvalidOptionError, match=r"model\.size: expected widths of at most 2147483648 parameters"):
        build_pipeline(config, seed=0)


def build(config, tmp_path):
    return config.build(RunConfig(task="bokehdiff", output=str(tmp_path), model=config), torch.device("cpu"))


def test_the_colour_encoder_is_not_trained(model, tmp_path):
    task = build(LatentConfig(**model), tmp_path)
    assert not any(p.requires_grad for p in task.pipeline.colour_encoder.parameters())
    assert all(p.requires_grad for p in task.unet.parameters())


@pytest.mark.parametrize(
    ("config", "own", "kept"),
    [
        (PictureConfig, {"network": NetworkConfig()}, True),
        (PictureConfig, {"network": NetworkConfig(encoder=True)}, False),
        (AutoencoderConfig, {"fixed_encoder": True}, True),
        (AutoencoderConfig, {}, False),
    ],
)
def test_training_the_encoder_leaves_out_what_was_fitted_to_it(model, config, own, kept, tmp_path):
    losses = {"losses": LossConfig(lpips=0.0, adversarial=0.0)} if config is PictureConfig else {}
    built = build(config(**model, **own, **losses), tmp_path)
    assert (built.pipeline.colour_encoder is not None) == kept


def test_a_colour_encoder_can_be_named_where_it_fits(model, size, start, tmp_path):
    change = {"start": None, "size": size, "output_form": "blurred-colours", "autoencoder": str(start)}
    new = LatentConfig(**(model | change), colour_encoder="nowhere")
    with pytest.raises(MissingWeightsError, match="nowhere: expected a folder with a colour encoder"):
        build_pipeline(new, 0)
    named = dataclasses.replace(new, colour_encoder=str(tmp_path / "colours"))
    assert build_pipeline(named, 0).colour_encoder is not None
    with pytest.raises(InvalidOptionError, match="colour_encoder: expected none but with the output form"):
        build_pipeline(dataclasses.replace(named, output_form="residual"), 0)
    with pytest.raises(InvalidOptionError, match="colours: was fitted to another autoencoder"):
        build_pipeline(dataclasses.replace(named, autoencoder=None), 5)
    (weights,) = (tmp_path / "colours").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(MissingWeightsError, match="colours: damaged"):
        build_pipeline(named, 0)


def test_only_the_compact_autoencoder_is_trained_by_itself(model, sdxl_folder, tmp_path):
    config = AutoencoderConfig(**(model | {"start": str(sdxl_folder)}))
    with pytest.raises(InvalidOptionError, match=r"model\.start: this task trains the compact model's"):
        build(config, tmp_path)


def test_another_seed_builds_other_weights(model, size):
    config = LatentConfig(**(model | {"start": None, "size": size}))
    first, again, other = (build_pipeline(config, seed).unet.conv_in.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
