"""What the ``config.json`` of each kind of network, and a scheduler's, must hold before anything is built from it."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core.errors import InvalidOptionError
from ..weights import read_object

Width = Annotated[int, Field(ge=1, le=65536)]
Depth = Annotated[int, Field(ge=1, le=100)]
"""Layers in a row: each is built before its weights are looked for."""

Widths = Annotated[list[Width], Field(min_length=1, max_length=16)]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class Configuration(BaseModel):
    """Entries that decide about pictures are demanded, as diffusers takes a default for one that is absent.

    Others are left to diffusers, whose versions differ in what they write.
    """

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class UnetConfiguration(Configuration):
    """Of a ``UNet2DConditionModel``."""

    in_channels: Width
    out_channels: Width
    block_out_channels: Widths
    layers_per_block: Depth | list[Depth]
    transformer_layers_per_block: Depth | list[Depth | list[Depth]] = 1
    attention_head_dim: Width | Widths
    cross_attention_dim: Width | Widths
    norm_num_groups: Width


class AutoencoderConfiguration(Configuration):
    """Of an ``AutoencoderKL``."""

    in_channels: Width
    out_channels: Width
    latent_channels: Width
    block_out_channels: Widths
    layers_per_block: Depth
    norm_num_groups: Width
    scaling_factor: Annotated[float, Field(gt=0.0)]
    force_upcast: bool = True


class SchedulerConfiguration(Configuration):
    """Of a ``DDPMScheduler``."""

    num_train_timesteps: Annotated[int, Field(ge=1, le=100_000)]
    beta_start: Share
    beta_end: Share
    beta_schedule: str
    prediction_type: str = "epsilon"
    trained_betas: Annotated[list[Share], Field(max_length=100_000)] | None = None


class PromptConfiguration(Configuration):
    """Of ``PromptEmbeddings``."""

    length: Width
    width: Width
    pooled_width: Annotated[int, Field(ge=0, le=65536)]


class ColourEncoderConfiguration(Configuration):
    """Of a ``ColourEncoder``."""

    latent_channels: Width
    width: Width


KINDS: dict[str, type[Configuration]] = {
    "UNet2DConditionModel": UnetConfiguration,
    "AutoencoderKL": AutoencoderConfiguration,
    "DDPMScheduler": SchedulerConfiguration,
    "PromptEmbeddings": PromptConfiguration,
    "ColourEncoder": ColourEncoderConfiguration,
}
"""By the name of the class that is built."""


def read_configuration(path: Path, kind: str) -> dict[str, Any]:
    """Return the configuration for a class named in ``KINDS``.

    Raises InvalidOptionError that names file and entry where one is absent, of another type or out of range.
    """
    values = read_object(path)
    try:
        KINDS[kind].model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        entry = str(first["loc"][0])
        got = "" if first["type"] == "missing" else f", got {values[entry]!r:.60}"
        what = "it is missing" if first["type"] == "missing" else first["msg"]
        raise InvalidOptionError(f"{path}: {entry}: {what}{got}: get it again") from error
    return values
