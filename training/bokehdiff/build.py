"""From a configuration to the stage it names, with the networks it starts from."""

import dataclasses
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...renderers.bokehdiff.checkpoints import load_checkpoint
from ...renderers.bokehdiff.inputs.colour_encoder import ColourEncoder
from ...renderers.bokehdiff.models.compact import build_compact
from ...renderers.bokehdiff.models.sdxl import load_backbone
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.settings import PipelineSettings
from ...renderers.bokehdiff.variants import FULL_MODEL, VARIANTS
from ..engine.config import TrainingConfig
from ..engine.task import Stage
from .autoencoder_task import AutoencoderStage
from .digests import digest_encoder
from .latent_task import LatentStage


def build_stage(config: TrainingConfig, device: torch.device) -> Stage:
    """Build the pipeline that ``config`` starts from, on ``device``, and the stage that trains it.

    Raises MissingWeightsError where a folder to start from is absent, InvalidOptionError where it does not fit.
    """
    torch.manual_seed(config.seed)  # the initial weights belong to the seed
    pipeline = _start(config)
    if config.autoencoder is not None:
        pipeline.vae = _load(config.autoencoder).vae
    if config.colour_encoder is not None:
        _add_colour_encoder(pipeline, Path(config.colour_encoder))
    if config.stage == "autoencoder" and pipeline.latent_pitch_px != pipeline.active_settings.pixel_unshuffle:
        raise InvalidOptionError("stage 'autoencoder' trains the compact model's only: leave 'start' out")
    return _stage_class(config.stage)(pipeline.to(device), config)


def load_colour_encoder(folder: Path, vae: nn.Module) -> ColourEncoder:
    """Load what ``colour_encoder_fit`` fitted to this autoencoder's encoder, in float32.

    Raises MissingWeightsError where it is absent or damaged, InvalidOptionError where it was fitted to another one.
    """
    if not (folder / "config.json").is_file():
        raise MissingWeightsError(f"{folder}: expected a folder with a colour encoder (config.json): fit it first")
    try:
        encoder = ColourEncoder.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MissingWeightsError(f"{folder}: damaged ({reason}): remove the folder and fit it again") from error
    if encoder.config.fitted_to != digest_encoder(vae):
        raise InvalidOptionError(f"{folder}: was fitted to another autoencoder: remove the folder and fit it again")
    return encoder


def _add_colour_encoder(pipeline: BokehDiffPipeline, folder: Path) -> None:
    if pipeline.active_settings.parametrisation != "pisa-start":
        raise InvalidOptionError("colour_encoder: expected none but with the parametrisation pisa-start")
    pipeline.register_modules(colour_encoder=load_colour_encoder(folder, pipeline.vae))


def _stage_class(name: str) -> type[Stage]:
    if name == "picture":  # here: the perceptual network and the discriminator take seconds to import
        from .picture_task import PictureStage

        return PictureStage
    return AutoencoderStage if name == "autoencoder" else LatentStage


def _start(config: TrainingConfig) -> BokehDiffPipeline:
    if config.start is None:
        return build_compact(config.variant, config.size, parametrisation=config.parametrisation or "gated")
    if config.start == "sdxl" or (Path(config.start) / "text_encoder").is_dir():
        home = None if config.start == "sdxl" else Path(config.start)
        return load_backbone(home, _settings_to_train(PipelineSettings(), config))
    pipeline = _load(config.start)
    pipeline.configure(_settings_to_train(pipeline.active_settings, config))
    return pipeline


def _settings_to_train(start: PipelineSettings, config: TrainingConfig) -> PipelineSettings:
    """Return the start's settings with the physics and timestep of the variant, whatever the start was trained as.

    Raises InvalidOptionError where the start's networks are built for other inputs than the variant's.
    """
    variant, plain = VARIANTS[config.variant], PipelineSettings()
    for name in ("condition_channels", "base"):
        expected = variant.training.get(name, getattr(plain, name))
        if getattr(start, name) != expected:
            raise InvalidOptionError(
                f"start: {config.start} has {name} {getattr(start, name)!r}, {config.variant} needs {expected!r}: "
                "choose another start or variant"
            )
    complete = dataclasses.replace(
        start,
        physics=dataclasses.replace(start.physics, coc=True, softmax_over_queries=True, occlusion=True),
        timestep=plain.timestep,
        trained_as=config.variant,
        **{name: value for name, value in variant.training.items() if name not in ("condition_channels", "base")},
    )
    return complete.as_variant(variant)


def _load(folder: str) -> BokehDiffPipeline:
    if not (Path(folder) / "model_index.json").is_file():
        raise MissingWeightsError(f"{folder}: expected a folder with a pipeline (model_index.json): train it first")
    return load_checkpoint(FULL_MODEL, folder, torch.float32).pipeline
