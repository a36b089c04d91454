"""What a BokehDiff checkpoint states about itself beside its weights: one typed record, kept as JSON with them."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.checks import check, check_choice
from ...core.errors import InvalidOptionError
from ...core.settings import read_settings
from ..attention.physics import PisaPhysics
from .inputs.condition_maps import CONDITIONS
from .variants import FULL_MODEL, Variant

NOISE, RESIDUAL, BLURRED_COLOURS = OUTPUT_FORMS = ("noise", "residual", "blurred-colours")
AREA, BILINEAR, TWO_RADII = POOLINGS = ("area", "bilinear", "two-radii")
PITCHES = ("px", "released")
RESIDUALS = ("latent", "picture")
BASES = ("classical", "classical-occlusion")

FORMER_FIELDS = {"parametrisation": "output_form"}
FORMER_FORMS = {"eps": NOISE, "identity-start": RESIDUAL, "pisa-start": BLURRED_COLOURS}
FORMER_CONDITIONS = {"spread": "defocus_std"}
"""Fields and values under the names that settings of earlier versions, the shipped weights' too, know them by."""


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """How a checkpoint's networks are to be used. The defaults are the paper's.

    - ``timestep``: T of the one U-Net pass, an index into the scheduler's noise levels.
    - ``output_form``: what the U-Net's output n means. ``noise``: the noise prediction. ``residual``: the noise
      prediction is (1 - sqrt(abar)) / sqrt(1 - abar) * z + n, so that a network whose last layer is zero leaves the
      latent as it is (Eq. 1 gives z0 = z - sqrt(1 - abar) / sqrt(abar) * n). ``blurred-colours``: the U-Net has twice
      the latent's channels, n and m, and the noise prediction is such that Eq. 1 gives z0 = z + g * (z_blur + n - z)
      with the gate g = sigmoid(m): what is in focus passes untouched, what is blurred needs no sharp detail to be
      cancelled. z_blur is the latent of the picture that PISA makes of the tokens' colours with all logits equal
      (``token_colours``), of each tile by itself. It comes last in the U-Net's input.
    - ``pixel_unshuffle``: side of the square of px that is folded into channels before the autoencoder (1: none).
    - ``pisa_layers``: module paths in the U-Net whose every self-attention (attn1) is PISA.
    - ``physics``: the switches of PISA.
    - ``pooling``: how maps become token values: ``area`` and ``bilinear`` as in ``TokenGeometry.from_maps``;
      ``two-radii`` takes tokens that straddle a depth edge as two, see ``attention.parts``. That is ``area`` where the
      physics leaves out the circle of confusion, or normalises over keys: a key that counts twice would count more.
    - ``pitch``: ``px`` measures distances in px of the picture; ``released`` as the released code does, see
      ``TokenGeometry.with_released_pitch``.
    - ``disparity_margin``: disparity is mapped affinely, per scene, from its range to [margin, 1 - margin].
    - ``trained_as``: name of the variant that the weights were trained as; any name, as variants come and go.

    Beyond the paper, all off by default:

    - ``condition_channels``: names in ``condition_maps.CONDITIONS``, maps that follow the latent in the U-Net's input.
    - ``base``: a classical renderer whose picture of the same scene is encoded too. Its latent z_base comes last in the
      U-Net's input, and the residual is taken from it: eps = (z - sqrt(abar) * z_base) / sqrt(1 - abar) + n, so that
      Eq. 1 gives z0 = z_base - sqrt(1 - abar) / sqrt(abar) * n. This is ``residual``, which it needs, with z_base
      in place of z: a network whose last layer is zero returns the base.
    - ``residual``: with a base, ``latent`` returns D(z0); ``picture`` returns base + D(z0) - D(z_base), so that nothing
      is lost in the autoencoder where the network leaves the base as it is.
    - ``in_focus_blend_px``: the input is kept where the circle of confusion is smaller than this radius and no
      defocused foreground reaches, see ``in_focus_blend``; 0: nowhere.

    The distance of tokens in px is no setting: it follows from the autoencoder, ``pixel_unshuffle`` and the layer.
    Raises InvalidOptionError on impossible values.
    """

    timestep: int = 499
    output_form: str = NOISE
    pixel_unshuffle: int = 1
    pisa_layers: tuple[str, ...] = ("down_blocks.1.attentions.0",)
    physics: PisaPhysics = field(default_factory=PisaPhysics)
    pooling: str = AREA
    pitch: str = "px"
    disparity_margin: float = 0.01
    trained_as: str = FULL_MODEL
    condition_channels: tuple[str, ...] = ()
    base: str | None = None
    residual: str = "latent"
    in_focus_blend_px: float = 0.0

    def __post_init__(self) -> None:
        check("timestep", self.timestep, self.timestep >= 0, "0 or more")
        check("trained_as", self.trained_as, bool(self.trained_as.strip()), "a variant's name")
        check_choice("output_form", self.output_form, OUTPUT_FORMS)
        check("pixel_unshuffle", self.pixel_unshuffle, 1 <= self.pixel_unshuffle <= 64, "1 to 64")
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
            check_choice("output_form with a base", self.output_form, (RESIDUAL,))
        blend_px = self.in_focus_blend_px
        check("in_focus_blend_px", blend_px, 0.0 <= blend_px < math.inf, "0 or more, finite")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PipelineSettings":
        """Read what ``to_json`` wrote, of earlier versions too; fields that are absent take their defaults.

        Raises InvalidOptionError on unknown names or impossible values: those of a newer version are not guessed at.
        """
        present = _with_present_names(values) if isinstance(values, Mapping) else values
        return read_settings(cls, present, "settings.")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as nested dicts, lists, strings and numbers."""
        values = dataclasses.asdict(self)
        values["pisa_layers"] = list(self.pisa_layers)
        values["condition_channels"] = list(self.condition_channels)
        values["physics"]["ray_range"] = list(self.physics.ray_range)
        return values

    def input_channels(self, latent_channels: int) -> int:
        """Return the channels of the U-Net's input: latent, conditions, latent of base or blurred colours."""
        latents = 1 if self.base is None and self.output_form != BLURRED_COLOURS else 2
        return latents * latent_channels + len(self.condition_channels)

    def output_channels(self, latent_channels: int) -> int:
        """Return the channels of the U-Net's output: n, and the gate m of ``blurred-colours``."""
        return latent_channels * (2 if self.output_form == BLURRED_COLOURS else 1)

    @property
    def used_pooling(self) -> str:
        """The ``pooling`` that the physics leaves."""
        splits = self.physics.coc and self.physics.softmax_over_queries
        return AREA if self.pooling == TWO_RADII and not splits else self.pooling

    def check_base(self, what: str, base: object | None) -> None:
        """Raise InvalidOptionError unless ``base`` is given where, and only where, the settings name one."""
        if (base is None) != (self.base is None):
            expected = "none" if self.base is None else f"that of the renderer {self.base}"
            raise InvalidOptionError(
                f"{what}: the settings' base expects {expected}, got {'none' if base is None else 'one'}"
            )

    def as_variant(self, variant: Variant) -> "PipelineSettings":
        """Return these settings with the variant's switches; ``trained_as`` stays what it is."""
        return dataclasses.replace(
            self, physics=dataclasses.replace(self.physics, **variant.physics), **variant.rendering
        )


def check_networks(
    settings: PipelineSettings, vae: Mapping[str, Any], unet: Mapping[str, Any], scheduler: Mapping[str, Any]
) -> None:
    """Raise InvalidOptionError where networks of these configurations cannot be used as the settings say."""
    if scheduler["prediction_type"] != "epsilon":
        raise InvalidOptionError(f"scheduler: expected prediction_type 'epsilon', got '{scheduler['prediction_type']}'")
    if settings.timestep >= scheduler["num_train_timesteps"]:
        raise InvalidOptionError(
            f"timestep: expected less than the scheduler's {scheduler['num_train_timesteps']}, got {settings.timestep}"
        )
    inputs = settings.input_channels(vae["latent_channels"])
    if unet["in_channels"] != inputs:
        raise InvalidOptionError(
            f"U-Net: expected {inputs} input channels for the latent and the settings' condition_channels, base and"
            f" output_form, got {unet['in_channels']}"
        )
    outputs = settings.output_channels(vae["latent_channels"])
    if unet["out_channels"] != outputs:
        raise InvalidOptionError(
            f"U-Net: expected {outputs} output channels for the output form {settings.output_form}, got"
            f" {unet['out_channels']}"
        )


def _with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of an earlier version in the names of this one; raises InvalidOptionError for a field in both."""
    for former, name in FORMER_FIELDS.items():
        if former in values and name in values:
            raise InvalidOptionError(f"settings.{former}: expected it or settings.{name}, got both")
    present = {FORMER_FIELDS.get(name, name): value for name, value in values.items()}
    form, channels = present.get("output_form"), present.get("condition_channels")
    if isinstance(form, str):
        present["output_form"] = FORMER_FORMS.get(form, form)
    if isinstance(channels, list | tuple):
        present["condition_channels"] = [FORMER_CONDITIONS.get(str(name), name) for name in channels]
    return present
