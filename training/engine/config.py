"""What a training run is: one YAML file, read strictly into typed records.

API: ``read_config(path) -> TrainingConfig``. An unknown or misspelt entry, a wrong type or an impossible value is one
line that names it; entries that are absent take the defaults below.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ...core.checks import check, check_choice
from ...core.errors import InvalidOptionError
from ...core.settings import read_record, read_yaml
from ...datasets.synthetic.training_scenes import SynthesisSettings
from ...renderers.bokehdiff.models.compact import CompactSize
from ...renderers.bokehdiff.settings import PARAMETRISATIONS
from ...renderers.bokehdiff.variants import FULL_MODEL, VARIANTS

STAGES = ("autoencoder", "latent", "picture")
PROFILES = ("paper", "code")
DISPARITIES = ("true", "robust")
PRECISIONS = ("no", "bf16", "fp16")
UNET_PARTS = ("all", "down")
LATENT_LOSSES = ("mse", "psnr")
METHODS = ("adamw", "muon")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where scenes come from: drawn on the fly from ``scenes``, or kept in the folder ``stored`` (``count`` of them).

    ``disparity``: ``true`` tells the model the exact one; ``robust`` one with random errors. ``crop_px``: side of the
    square that is cut out of each scene at random, on the latent's grid. ``workers``: processes that make scenes.
    """

    scenes: SynthesisSettings
    stored: str | None = None
    count: int = 0
    disparity: str = "true"
    crop_px: int = 256
    workers: int = 0

    def __post_init__(self) -> None:
        check_choice("data.disparity", self.disparity, DISPARITIES)
        check("data.crop_px", self.crop_px, 16 <= self.crop_px <= self.scenes.size_px, "16 to data.scenes.size_px")
        check("data.count", self.count, self.count > 0 or self.stored is None, "above 0 with data.stored")
        check("data.workers", self.workers, self.workers >= 0, "0 or more")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW; the rate rises over ``warmup`` steps, holds for a share ``hold`` of the rest, then falls as a cosine.

    ``method``: ``adamw``, or ``muon``: AdamW with Muon for matrices and convolutions, see ``muon.MuonAdamW``; the
    discriminator's is always AdamW. ``betas``, ``epsilon``: AdamW's.
    ``encoder_rate``: factor on the autoencoder's rate, ``discriminator_rate``: on the discriminator's.
    """

    method: str = "adamw"
    learning_rate: float = 1e-4
    warmup: int = 0
    hold: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip: float = 1.0
    encoder_rate: float = 1.0
    discriminator_rate: float = 1.0

    def __post_init__(self) -> None:
        check_choice("optimiser.method", self.method, METHODS)
        check("optimiser.learning_rate", self.learning_rate, self.learning_rate > 0.0, "above 0")
        check("optimiser.hold", self.hold, 0.0 <= self.hold < 1.0, "0 to below 1")
        check("optimiser.clip", self.clip, self.clip > 0.0, "above 0")
        for name in ("warmup", "weight_decay", "encoder_rate", "discriminator_rate"):
            check(f"optimiser.{name}", getattr(self, name), getattr(self, name) >= 0, "0 or more")
        check("optimiser.betas", self.betas, all(0.0 <= beta < 1.0 for beta in self.betas), "two numbers in [0, 1)")
        check("optimiser.epsilon", self.epsilon, self.epsilon > 0.0, "above 0")


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the terms of Eq. 12 in picture space; 0 leaves a term out. The defaults are the paper's.

    ``perceptual_network``: of LPIPS, ``vgg`` or ``alex``; ``perceptual_weights``: folder of its feature weights.
    ``discriminator_weights``: file of the ConvNeXt's. ``adversarial_from``: step from which the generator hears it.
    """

    mse: float = 1.0
    lpips: float = 5.0
    edge: float = 1.0
    adversarial: float = 0.5
    perceptual_network: str = "vgg"
    perceptual_weights: str | None = None
    discriminator_weights: str | None = None
    adversarial_from: int = 0

    def __post_init__(self) -> None:
        for name in ("mse", "lpips", "edge", "adversarial"):
            check(f"losses.{name}", getattr(self, name), getattr(self, name) >= 0.0, "0 or more")
        check_choice("losses.perceptual_network", self.perceptual_network, ("vgg", "alex"))


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Which weights are trained in the stage ``picture``, and ``fixed_encoder``, in the stage ``autoencoder``.

    ``lora_rank``: 0 trains the U-Net's own weights; above, a LoRA of that rank in ``unet_part`` (``down`` blocks, as
    the paper says, or ``all`` layers, as the released code does). ``encoder``: train the VAE encoder's middle block and
    output layers (and its input layer under the profile ``code``). ``decoder``: train the VAE's decoder, which the
    paper freezes; only sensible without a LoRA, for models that ship whole. ``fixed_encoder``: train the autoencoder's
    decoder only, so that U-Nets trained on its latents stay what they are.
    """

    lora_rank: int = 0
    unet_part: str = "all"
    encoder: bool = False
    decoder: bool = False
    fixed_encoder: bool = False

    def __post_init__(self) -> None:
        check_choice("network.unet_part", self.unet_part, UNET_PARTS)
        check("network.lora_rank", self.lora_rank, self.lora_rank >= 0, "0 or more")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One stage of training.

    - ``stage``: ``autoencoder`` (compact only: pictures in and out), ``latent`` (the U-Net against latents of the
      target), ``picture`` (Eq. 10-12 through the decoder).
    - ``output``: folder that gets checkpoints/, logs/ and model/ (the result, a pipeline that renders).
    - ``variant``: what is trained, a name in ``variants.VARIANTS``. ``profile``: ``paper`` or ``code``.
    - ``start``: folder of a pipeline to go on from, folder of an SDXL model with its text encoders, or ``sdxl`` for the
      paper's from the hub; None builds the compact model of ``size``. ``autoencoder``: folder of a pipeline whose
      autoencoder is taken instead. ``colour_encoder``: folder of one that was fitted to it, for ``pisa-start``; None:
      the autoencoder encodes the start, too.
    - ``parametrisation``: of a compact model that is built new, see ``PipelineSettings``; None: the variant's own, else
      ``gated``.
    - ``latent_loss``: of the stage ``latent``: ``mse``, or ``psnr``: the mean over samples of 0.01 ln(mse + 3e-5).
    - ``steps``, ``batch`` (per process), ``accumulation``: updates, samples in a forward pass, passes in an update.
    - ``hardness``: of the circle of confusion's edge, first and last; ``rays``: jittered rays per pair in training.
    - ``pair_cut``: leave out pairs of tokens whose circle weighs less than e^-pair_cut; 0 keeps all that could matter.
    - ``ema``: decay of the averaged weights, 0 without; the result holds the averaged ones.
    - ``checkpoint_every``, ``validate_every``: steps. ``validation``: scenes that are never trained on.
    - ``minutes``: stop after that long with a checkpoint, to be continued by the same command; 0: never.
    """

    stage: str
    output: str
    data: DataConfig
    variant: str = FULL_MODEL
    profile: str = "paper"
    start: str | None = None
    size: CompactSize = field(default_factory=CompactSize)
    autoencoder: str | None = None
    colour_encoder: str | None = None
    parametrisation: str | None = None
    latent_loss: str = "mse"
    steps: int = 1000
    batch: int = 8
    accumulation: int = 1
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    hardness: tuple[float, float] = (3.0, 2.4e5)
    rays: int = 5
    pair_cut: float = 0.0
    ema: float = 0.0
    precision: str = "no"
    seed: int = 0
    checkpoint_every: int = 200
    validate_every: int = 200
    validation: SynthesisSettings | None = None
    validation_count: int = 8
    minutes: float = 0.0

    def __post_init__(self) -> None:
        check_choice("stage", self.stage, STAGES)
        check_choice("profile", self.profile, PROFILES)
        check_choice("variant", self.variant, tuple(VARIANTS))
        check_choice("precision", self.precision, PRECISIONS)
        self._check_parametrisation()
        check_choice("latent_loss", self.latent_loss, LATENT_LOSSES)
        latent = self.stage == "latent"
        fixed = self.network.fixed_encoder
        check(
            "network.fixed_encoder",
            fixed,
            not fixed or self.stage == "autoencoder",
            "false but in the stage autoencoder",
        )
        check("latent_loss", self.latent_loss, latent or self.latent_loss == "mse", "mse but in the stage latent")
        attends = self.stage != "autoencoder"
        check("pair_cut", self.pair_cut, attends or self.pair_cut == 0.0, "0 in the stage autoencoder")
        for name in (
            "steps",
            "batch",
            "accumulation",
            "checkpoint_every",
            "validate_every",
            "validation_count",
            "rays",
        ):
            check(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        check("ema", self.ema, 0.0 <= self.ema < 1.0, "0 to below 1")
        check("seed", self.seed, self.seed >= 0, "0 or more")
        check("output", self.output, not Path(self.output).is_file(), "a folder")
        widths, groups = self.size.unet_widths, self.size.unet_groups
        check("size.unet_widths", widths, all(w > 0 and w % groups == 0 for w in widths), f"multiples of {groups}")
        losses = self.losses
        anything = losses.mse + losses.lpips + losses.edge + losses.adversarial > 0.0
        check("losses", losses, self.stage != "picture" or anything, "one weight above 0 at least")
        check("pair_cut", self.pair_cut, self.pair_cut >= 0.0, "0 or more")
        check("minutes", self.minutes, self.minutes >= 0.0, "0 or more")
        check("hardness", self.hardness, min(self.hardness) > 1.0, "two numbers above 1")

    def _check_parametrisation(self) -> None:
        if self.parametrisation is None:
            return
        check_choice("parametrisation", self.parametrisation, PARAMETRISATIONS)
        check("parametrisation", self.parametrisation, self.start is None, "none: that of 'start' stays")
        own = VARIANTS[self.variant].training.get("parametrisation", self.parametrisation)
        check("parametrisation", self.parametrisation, self.parametrisation == own, f"'{own}' of {self.variant}")


def read_config(path: Path) -> TrainingConfig:
    """Read a YAML file; relative paths in it are relative to the current folder.

    Raises InvalidOptionError in one line for whatever is wrong with it.
    """
    content = read_yaml(path, "a training configuration")
    try:
        return read_record(TrainingConfig, content)
    except InvalidOptionError as error:
        raise InvalidOptionError(f"{path}: {error}") from None
