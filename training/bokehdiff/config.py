"""What of BokehDiff is trained: the entry ``model`` of a run's configuration, one type for each task."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import MOST, Within, check, check_choice, check_fields, check_path
from ...renderers.bokehdiff.models.compact import CompactSize
from ...renderers.bokehdiff.settings import OUTPUT_FORMS, POOLINGS
from ...renderers.bokehdiff.variants import FULL_MODEL, VARIANTS
from ..scenes.config import DataConfig

if TYPE_CHECKING:
    import torch

    from ..engine.config import RunConfig
    from ..engine.task import Task

PROFILES = ("paper", "code")
UNET_PARTS = ("all", "down")
LATENT_LOSSES = ("mse", "psnr")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The networks that a training starts from, and its scenes.

    - ``data``: scenes; ``crop_px`` on the latent's grid.
    - ``variant``: what is trained, a name in ``variants.VARIANTS``.
    - ``start``: folder of a pipeline to go on from, folder of an SDXL model with its text encoders, or ``sdxl`` for the
      paper's from the hub; None builds the compact model of ``size``. ``autoencoder``: folder of a pipeline whose
      autoencoder is taken instead. ``colour_encoder``: folder of one that was fitted to it, for ``blurred-colours``;
      None: the autoencoder encodes the colours, too. ``shipped`` stands for those that ``bokehdiff`` ships with.
    - ``output_form``: of a compact model that is built new, see ``PipelineSettings``; None: the
      variant's own, else ``blurred-colours``.
    - ``pooling``: how the result's tokens have disparity and radius, see ``PipelineSettings``; None: as the start's.
    """

    data: DataConfig
    variant: str = FULL_MODEL
    start: str | None = None
    size: CompactSize = field(default_factory=CompactSize)
    autoencoder: str | None = None
    colour_encoder: str | None = None
    output_form: str | None = None
    pooling: str | None = None

    def __post_init__(self) -> None:
        if self.pooling is not None:
            check_choice("pooling", self.pooling, POOLINGS)
        check_choice("variant", self.variant, tuple(VARIANTS))
        for name in ("start", "autoencoder", "colour_encoder"):
            check_path(name, getattr(self, name))
        if self.output_form is not None:
            check_choice("output_form", self.output_form, OUTPUT_FORMS)
            check("output_form", self.output_form, self.start is None, "none: that of 'start' stays")
            own = VARIANTS[self.variant].training.get("output_form", self.output_form)
            check("output_form", self.output_form, self.output_form == own, f"'{own}' of {self.variant}")

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        values = dataclasses.asdict(self)
        del values["data"]["validation"]
        if self.pooling is None:
            del values["pooling"]  # as trainings state it that began before there was a choice
        return values


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(ModelConfig):
    """The compact model's autoencoder, on pieces of the photographs of ``data.scenes``.

    ``fixed_encoder``: train its decoder only, so that U-Nets trained on its latents stay what they are.
    """

    fixed_encoder: bool = False

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the pipeline on ``device``, and the task that trains it."""
        from .autoencoder_task import AutoencoderTask
        from .build import build_pipeline

        return AutoencoderTask(build_pipeline(self, run.seed).to(device), self, run)


@dataclass(frozen=True, kw_only=True)
class UnetConfig(ModelConfig):
    """What tasks have that train the U-Net.

    - ``profile``: ``paper`` or ``code``, whose physics and forms of losses are used.
    - ``hardness``: of the circle of confusion's edge, first and last; ``rays``: jittered rays per pair in training.
    - ``pair_cut``: leave out pairs of tokens whose circle weighs less than e^-pair_cut; 0 keeps all that could matter.
    """

    profile: str = "paper"
    hardness: Annotated[tuple[float, float], Within(1.0, 1e30)] = (3.0, 2.4e5)
    rays: Annotated[int, Within(1, 1024)] = 5
    pair_cut: Annotated[float, Within(0.0, 1e3)] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)
        check_choice("profile", self.profile, PROFILES)
        check("hardness", self.hardness, min(self.hardness) > 1.0, "two numbers above 1")


@dataclass(frozen=True, kw_only=True)
class LatentConfig(UnetConfig):
    """The whole U-Net against the target's latent.

    ``latent_loss``: ``mse``, or ``psnr``: the mean over samples of 0.01 ln(mse + 3e-5).
    """

    latent_loss: str = "mse"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("latent_loss", self.latent_loss, LATENT_LOSSES)

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the pipeline on ``device``, and the task that trains it."""
        from .build import build_pipeline
        from .latent_task import LatentTask

        return LatentTask(build_pipeline(self, run.seed).to(device), self, run)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the terms of Eq. 12 in picture space; 0 leaves a term out. The defaults are the paper's.

    ``perceptual_network``: of LPIPS, ``vgg`` or ``alex``; ``perceptual_weights``: folder of its feature weights.
    ``discriminator_network``: ``convnext``, the paper's, with ``discriminator_weights``, its file; or ``alex``,
    with the weights of LPIPS by AlexNet, from ``perceptual_weights``. ``adversarial_from``: step from which the
    discriminator counts; ``discriminator_rate``: factor on its learning rate.
    """

    mse: Annotated[float, Within(0.0, 1e6)] = 1.0
    lpips: Annotated[float, Within(0.0, 1e6)] = 5.0
    edge: Annotated[float, Within(0.0, 1e6)] = 1.0
    adversarial: Annotated[float, Within(0.0, 1e6)] = 0.5
    perceptual_network: str = "vgg"
    perceptual_weights: str | None = None
    discriminator_network: str = "convnext"
    discriminator_weights: str | None = None
    adversarial_from: Annotated[int, Within(0, MOST)] = 0
    discriminator_rate: Annotated[float, Within(0.0, 1e6)] = 1.0

    def __post_init__(self) -> None:
        check_fields(self, "losses.")
        for name in ("perceptual_weights", "discriminator_weights"):
            check_path(f"losses.{name}", getattr(self, name))
        anything = self.mse + self.lpips + self.edge + self.adversarial > 0.0
        check("losses", self, anything, "one weight above 0 at least")
        check_choice("losses.perceptual_network", self.perceptual_network, ("vgg", "alex"))
        check_choice("losses.discriminator_network", self.discriminator_network, ("convnext", "alex"))
        fits = self.discriminator_network == "convnext" or self.discriminator_weights is None
        expected = "none with discriminator_network alex, which takes perceptual_weights"
        check("losses.discriminator_weights", self.discriminator_weights, fits, expected)


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Which weights are trained.

    ``lora_rank``: 0 trains the U-Net's own weights; above, a LoRA of that rank in ``unet_part`` (``down`` blocks, as
    the paper says, or ``all`` layers, as the released code does). ``encoder``: train the VAE encoder's middle block and
    output layers (and its input layer under the profile ``code``). ``decoder``: train the VAE's decoder, which the
    paper freezes; only sensible without a LoRA, for models that ship whole. ``encoder_rate``: factor on the
    autoencoder's learning rate.
    """

    lora_rank: Annotated[int, Within(0, 8192)] = 0
    unet_part: str = "all"
    encoder: bool = False
    decoder: bool = False
    encoder_rate: Annotated[float, Within(0.0, 1e6)] = 1.0

    def __post_init__(self) -> None:
        check_choice("network.unet_part", self.unet_part, UNET_PARTS)
        check_fields(self, "network.")


@dataclass(frozen=True, kw_only=True)
class PictureConfig(UnetConfig):
    """The model as the paper trains it: losses on the picture, through the decoder."""

    losses: LossConfig = field(default_factory=LossConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)

    def identity(self) -> dict[str, Any]:
        """Return what decides the result: not where pretrained weights lie."""
        values = super().identity()
        for name in ("perceptual_weights", "discriminator_weights"):
            del values["losses"][name]
        if self.losses.discriminator_network == "convnext":
            del values["losses"]["discriminator_network"]  # as trainings state it that began before there was a choice
        return values

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the pipeline on ``device``, and the task that trains it."""
        from .build import build_pipeline
        from .picture_task import PictureTask  # here: the losses' networks take seconds to import

        return PictureTask(build_pipeline(self, run.seed).to(device), self, run)
