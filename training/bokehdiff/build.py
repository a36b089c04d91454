"""From a configuration to the networks that a training starts from."""

import dataclasses
from pathlib import Path

import torch

from ...core.checks import check
from ...core.errors import InvalidOptionError, MissingWeightsError
from ...renderers.bokehdiff.checkpoints import load_checkpoint
from ...renderers.bokehdiff.inputs.colour_encoder import ColourEncoder
from ...renderers.bokehdiff.models.compact import build_compact
from ...renderers.bokehdiff.models.sdxl import load_backbone
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.settings import BLURRED_COLOURS, PipelineSettings
from ...renderers.bokehdiff.variants import FULL_MODEL, VARIANTS
from ...renderers.bokehdiff.weight_files import SHIPPED
from .config import ModelConfig
from .fit_colour_encoder import load_colour_encoder

SHIPPED_WORD = "shipped"
"""In place of a folder with a start, an autoencoder or a colour encoder: what ships as ``bokehdiff``."""

MOST_PARAMETERS = 2**31
"""Of a compact model: 32 GiB with gradients and the optimiser's two moments, in float32."""


def build_pipeline(config: ModelConfig, seed: int) -> BokehDiffPipeline:
    """Build the pipeline that ``config`` starts from, on the CPU. Initial weights depend on the seed.

    Raises MissingWeightsError where a folder to start from is absent, InvalidOptionError where it does not fit.
    """
    if config.start is None:
        _check_parameters(config)
    torch.manual_seed(seed)
    pipeline = _start(config)
    if config.pooling is not None:
        pipeline.configure(dataclasses.replace(pipeline.active_settings, pooling=config.pooling))
    if config.autoencoder is not None:
        pipeline.vae = _load(_or_shipped(config.autoencoder)).vae
    if config.colour_encoder is not None:
        if pipeline.active_settings.output_form != BLURRED_COLOURS:
            raise InvalidOptionError("model.colour_encoder: expected none but with the output form blurred-colours")
        pipeline.register_modules(colour_encoder=_find_colours(config.colour_encoder, pipeline))
    return pipeline


def _or_shipped(folder: str) -> str:
    return str(SHIPPED / FULL_MODEL) if folder == SHIPPED_WORD else folder


def _find_colours(folder: str, pipeline: BokehDiffPipeline) -> ColourEncoder:
    home = SHIPPED / FULL_MODEL / "colour_encoder" if folder == SHIPPED_WORD else Path(folder)
    return load_colour_encoder(home, pipeline.vae)


def _check_parameters(config: ModelConfig) -> None:
    """Raise InvalidOptionError for more than MOST_PARAMETERS, before any memory is taken for them."""
    with torch.device("meta"):
        pipeline = build_compact(config.variant, config.size)
    count = sum(p.numel() for network in (pipeline.unet, pipeline.vae) for p in network.parameters())
    check("model.size", count, count <= MOST_PARAMETERS, f"widths of at most {MOST_PARAMETERS} parameters together")


def _start(config: ModelConfig) -> BokehDiffPipeline:
    if config.start is None:
        return build_compact(config.variant, config.size, output_form=config.output_form or BLURRED_COLOURS)
    if config.start == "sdxl" or (Path(config.start) / "text_encoder").is_dir():
        home = None if config.start == "sdxl" else Path(config.start)
        return load_backbone(home, _settings_to_train(PipelineSettings(), config))
    pipeline = _load(_or_shipped(config.start))
    pipeline.configure(_settings_to_train(pipeline.active_settings, config))
    return pipeline


def _settings_to_train(start: PipelineSettings, config: ModelConfig) -> PipelineSettings:
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
