"""Which encoders a training uses, leaves alone, or leaves out."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.datasets.synthetic.training_scenes import SynthesisSettings
from bokehbench.renderers.bokehdiff.inputs.colour_encoder import ColourEncoder
from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.training.bokehdiff.build import build_stage
from bokehbench.training.bokehdiff.digests import digest_encoder
from bokehbench.training.engine.config import DataConfig, LossConfig, NetworkConfig, TrainingConfig

CPU = torch.device("cpu")


@pytest.fixture
def size(tiny):
    return CompactSize(**{name: tuple(value) if isinstance(value, list) else value for name, value in tiny.items()})


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
def config(settings, start, tmp_path):
    settings |= {name: tuple(settings[name]) for name in ("photographs", "cutouts", "planes", "radius_px")}
    return TrainingConfig(
        stage="latent",
        output=str(tmp_path / "run"),
        data=DataConfig(scenes=SynthesisSettings(**settings), crop_px=32),
        start=str(start),
        losses=LossConfig(lpips=0.0, adversarial=0.0),
    )


def test_the_colour_encoder_is_not_trained(config):
    stage = build_stage(config, CPU)
    assert not any(p.requires_grad for p in stage.pipeline.colour_encoder.parameters())
    assert all(p.requires_grad for p in stage.trained())


@pytest.mark.parametrize(
    ("stage", "network", "kept"),
    [
        ("picture", NetworkConfig(), True),
        ("picture", NetworkConfig(encoder=True), False),
        ("autoencoder", NetworkConfig(fixed_encoder=True), True),
        ("autoencoder", NetworkConfig(), False),
    ],
)
def test_training_the_encoder_leaves_out_what_was_fitted_to_it(config, stage, network, kept):
    built = build_stage(dataclasses.replace(config, stage=stage, network=network), CPU)
    assert (built.pipeline.colour_encoder is not None) == kept


def test_it_can_be_named_where_it_fits(config, size, start, tmp_path):
    new = dataclasses.replace(
        config, start=None, size=size, output_form="blurred-colours", autoencoder=str(start), colour_encoder="nowhere"
    )
    with pytest.raises(MissingWeightsError, match="nowhere: expected a folder with a colour encoder"):
        build_stage(new, CPU)
    named = dataclasses.replace(new, colour_encoder=str(tmp_path / "colours"))
    assert build_stage(named, CPU).pipeline.colour_encoder is not None
    with pytest.raises(InvalidOptionError, match="colour_encoder: expected none but with the parametrisation"):
        build_stage(dataclasses.replace(named, parametrisation="gated"), CPU)
    with pytest.raises(InvalidOptionError, match="colours: was fitted to another autoencoder"):
        build_stage(dataclasses.replace(named, autoencoder=None, seed=5), CPU)
    (weights,) = (tmp_path / "colours").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(MissingWeightsError, match="colours: damaged"):
        build_stage(named, CPU)
