"""What the ``config.json`` of each kind of network, and a scheduler's, must hold before anything is built from it."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core.errors import InvalidOptionError
from ..weights import read_object

Width = Annotated[int, Field(ge=1, le=65536)]
Depth = Annotated[int, Field(ge=1, le=100)]
"""Layers in a row: each is built before its weights are looked for."""

Kernel = Annotated[int, Field(ge=1, le=15)]
Widths = Annotated[list[Width], Field(min_length=1, max_length=16)]
Names = Annotated[list[str], Field(min_length=1, max_length=16)]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Activation = Literal["silu", "swish", "mish", "gelu", "relu"]


class Configuration(BaseModel):
    """Entries that decide about pictures are demanded, as diffusers takes a default for one that is absent.

    Others are left to diffusers, whose versions differ in what they write.
    """

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


Checked = TypeVar("Checked", bound=Configuration)


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
    norm_eps: Share = 1e-5
    act_fn: Activation = "silu"
    down_block_types: Names
    mid_block_type: str | None = "UNetMidBlock2DCrossAttn"
    up_block_types: Names
    conv_in_kernel: Kernel = 3
    conv_out_kernel: Kernel = 3
    num_attention_heads: Width | Widths | None = None
    addition_embed_type: str | None = None
    quantization_config: None = None


class AutoencoderConfiguration(Configuration):
    """Of an ``AutoencoderKL`` whose latent is scaled and not shifted, as SDXL's."""

    in_channels: Width
    out_channels: Width
    latent_channels: Width
    block_out_channels: Widths
    layers_per_block: Depth
    norm_num_groups: Width
    act_fn: Activation = "silu"
    down_block_types: Names
    up_block_types: Names
    scaling_factor: Annotated[float, Field(gt=0.0, le=1000.0)]
    force_upcast: bool = True
    shift_factor: None = None
    latents_mean: None = None
    latents_std: None = None
    quantization_config: None = None


class SchedulerConfiguration(Configuration):
    """Of a ``DDPMScheduler``."""

    num_train_timesteps: Annotated[int, Field(ge=1, le=100_000)]
    beta_start: Share
    beta_end: Share
    beta_schedule: str
    prediction_type: str = "epsilon"
    trained_betas: Annotated[list[Share], Field(max_length=100_000)] | None = None
    rescale_betas_zero_snr: bool = False


class PromptConfiguration(Configuration):
    """Of ``PromptEmbeddings``."""

    prompt: str = ""
    length: Width
    width: Width
    pooled_width: Annotated[int, Field(ge=0, le=65536)]


class ColourEncoderConfiguration(Configuration):
    """Of a ``ColourEncoder``."""

    latent_channels: Width
    width: Width
    fitted_to: str = ""


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
    check_configuration(path, values, KINDS[kind])
    return values


def check_configuration(path: Path, values: dict[str, Any], kind: type[Checked]) -> Checked:
    """Return what the file at ``path`` holds as a ``kind``. Raises InvalidOptionError as ``read_configuration``."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        entry = str(first["loc"][0])
        got = "" if first["type"] == "missing" else f", got {values[entry]!r:.60}"
        what = "it is missing" if first["type"] == "missing" else first["msg"]
        raise InvalidOptionError(f"{path}: {entry}: {what}{got}: get it again") from error
