"""What a BokehDiff checkpoint states about itself beside its weights: one typed record, kept as JSON with them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.checks import check, check_choice
from ...core.settings import read_record
from ..attention.physics import PisaPhysics
from .inputs.condition_maps import CONDITIONS
from .variants import FULL_MODEL, VARIANTS, Variant

PARAMETRISATIONS = ("eps", "identity-start", "gated", "pisa-start")
GATED = ("gated", "pisa-start")
POOLINGS = ("area", "bilinear")
PITCHES = ("px", "released")
RESIDUALS = ("latent", "picture")
BASES = ("classical", "classical-occlusion")


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """How a checkpoint's networks are to be used. The defaults are the paper's.

    - ``timestep``: T of the one U-Net pass, an index into the scheduler's noise levels.
    - ``parametrisation``: what the U-Net's output n means. ``eps``: the noise prediction. ``identity-start``: the noise
      prediction is (1 - sqrt(abar)) / sqrt(1 - abar) * z + n, so that a network whose last layer is zero leaves the
      latent as it is (Eq. 1 gives z0 = z - sqrt(1 - abar) / sqrt(abar) * n). ``gated``: the U-Net has twice the
      latent's channels, n and m, and the noise prediction is such that Eq. 1 gives z0 = z + g * (n - z) with the gate
      g = sigmoid(m): what is in focus passes untouched, what is blurred needs no sharp detail to be cancelled.
      ``pisa-start``: z0 = z + g * (z_pisa + n - z), where z_pisa is the latent of the picture that PISA makes of the
      tokens' colours with all logits equal (``colour_start``), of each tile by itself. It comes last in the U-Net's
      input.
    - ``pixel_unshuffle``: side of the square of px that is folded into channels before the autoencoder (1: none).
    - ``pisa_layers``: module paths in the U-Net whose every self-attention (attn1) is PISA.
    - ``physics``: the switches of PISA.
    - ``pooling``: how maps become token values, see ``TokenGeometry.from_maps``.
    - ``pitch``: ``px`` measures distances in px of the picture; ``released`` as the released code does, see
      ``TokenGeometry.with_released_pitch``.
    - ``disparity_margin``: disparity is mapped affinely, per scene, from its range to [margin, 1 - margin].
    - ``trained_as``: name of the variant that the weights were trained as.

    Beyond the paper, all off by default:

    - ``condition_channels``: names in ``conditions.CONDITIONS``, maps that follow the latent in the U-Net's input.
    - ``base``: a classical renderer whose picture of the same scene is encoded too. Its latent z_base comes last in the
      U-Net's input, and the residual is taken from it: eps = (z - sqrt(abar) * z_base) / sqrt(1 - abar) + n, so that
      Eq. 1 gives z0 = z_base - sqrt(1 - abar) / sqrt(abar) * n. This is ``identity-start``, which it needs, with z_base
      in place of z: a network whose last layer is zero returns the base.
    - ``residual``: with a base, ``latent`` returns D(z0); ``picture`` returns base + D(z0) - D(z_base), so that nothing
      is lost in the autoencoder where the network leaves the base as it is.
    - ``in_focus_blend_px``: the input is kept where the circle of confusion is smaller than this radius and no
      defocused foreground reaches, see ``in_focus_blend``; 0: nowhere.

    The distance of tokens in px is no setting: it follows from the autoencoder, ``pixel_unshuffle`` and the layer.
    Raises InvalidOptionError on impossible values.
    """

    timestep: int = 499
    parametrisation: str = "eps"
    pixel_unshuffle: int = 1
    pisa_layers: tuple[str, ...] = ("down_blocks.1.attentions.0",)
    physics: PisaPhysics = field(default_factory=PisaPhysics)
    pooling: str = "area"
    pitch: str = "px"
    disparity_margin: float = 0.01
    trained_as: str = FULL_MODEL
    condition_channels: tuple[str, ...] = ()
    base: str | None = None
    residual: str = "latent"
    in_focus_blend_px: float = 0.0

    def __post_init__(self) -> None:
        check("timestep", self.timestep, self.timestep >= 0, "0 or more")
        check_choice("trained_as", self.trained_as, tuple(VARIANTS))
        check_choice("parametrisation", self.parametrisation, PARAMETRISATIONS)
        check("pixel_unshuffle", self.pixel_unshuffle, self.pixel_unshuffle >= 1, "1 or more")
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("pitch", self.pitch, PITCHES)
        check("disparity_margin", self.disparity_margin, 0.0 < self.disparity_margin < 0.5, "a number in (0, 0.5)")
        for name in self.condition_channels:
            check_choice("condition_channels", name, tuple(CONDITIONS))
        twice = len(set(self.condition_channels)) < len(self.condition_channels)
        check("condition_channels", self.condition_channels, not twice, "each name once")
        check_choice("residual", self.residual, RESIDUALS)
        check("residual", self.residual, self.residual == "latent" or self.base is not None, "'latent' without a base")
        if self.base is not None:
            check_choice("base", self.base, BASES)
            check_choice("parametrisation with a base", self.parametrisation, ("identity-start",))
        check("in_focus_blend_px", self.in_focus_blend_px, self.in_focus_blend_px >= 0.0, "0 or more")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PipelineSettings":
        """Read what ``to_json`` wrote; fields that are absent take their defaults.

        Raises InvalidOptionError on unknown names or impossible values: those of a newer version are not guessed at.
        """
        return read_record(cls, values, "settings.")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as nested dicts, lists, strings and numbers."""
        values = dataclasses.asdict(self)
        values["pisa_layers"] = list(self.pisa_layers)
        values["condition_channels"] = list(self.condition_channels)
        values["physics"]["ray_range"] = list(self.physics.ray_range)
        return values

    def input_channels(self, latent_channels: int) -> int:
        """Return the channels of the U-Net's input: the latent, the conditions, the base's or PISA's latent."""
        latents = 1 if self.base is None and self.parametrisation != "pisa-start" else 2
        return latents * latent_channels + len(self.condition_channels)

    def output_channels(self, latent_channels: int) -> int:
        """Return the channels of the U-Net's output: n, and m of a gated parametrisation."""
        return latent_channels * (2 if self.parametrisation in GATED else 1)

    def as_variant(self, variant: Variant) -> "PipelineSettings":
        """Return these settings with the variant's switches; ``trained_as`` stays what it is."""
        return dataclasses.replace(
            self, physics=dataclasses.replace(self.physics, **variant.physics), **variant.rendering
        )
