"""What a BokehDiff checkpoint states about itself beside its weights: one typed record, kept as JSON with them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidOptionError
from .physics import PisaPhysics
from .variants import FULL_MODEL, Variant

PARAMETRISATIONS = ("eps", "identity-start")
POOLINGS = ("area", "bilinear")
PITCHES = ("px", "released")


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """How a checkpoint's networks are to be used. The defaults are the paper's.

    - ``timestep``: T of the one U-Net pass, an index into the scheduler's noise levels.
    - ``parametrisation``: what the U-Net's output n means. ``eps``: the noise prediction. ``identity-start``: the noise
      prediction is (1 - sqrt(abar)) / sqrt(1 - abar) * z + n, so that a network whose last layer is zero leaves the
      latent as it is (Eq. 1 gives z0 = z - sqrt(1 - abar) / sqrt(abar) * n).
    - ``pixel_unshuffle``: side of the square of px that is folded into channels before the autoencoder (1: none).
    - ``pisa_layers``: module paths in the U-Net whose every self-attention (attn1) is PISA.
    - ``physics``: the switches of PISA.
    - ``pooling``: how maps become token values, see ``TokenGeometry.from_maps``.
    - ``pitch``: ``px`` measures distances in px of the picture; ``released`` as the released code does, see
      ``TokenGeometry.with_released_pitch``.
    - ``disparity_margin``: disparity is mapped affinely, per scene, from its range to [margin, 1 - margin].
    - ``trained_as``: name of the variant that the weights were trained as.

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

    def __post_init__(self) -> None:
        _check("timestep", self.timestep, self.timestep >= 0, "0 or more")
        _check_choice("parametrisation", self.parametrisation, PARAMETRISATIONS)
        _check("pixel_unshuffle", self.pixel_unshuffle, self.pixel_unshuffle >= 1, "1 or more")
        _check_choice("pooling", self.pooling, POOLINGS)
        _check_choice("pitch", self.pitch, PITCHES)
        _check("disparity_margin", self.disparity_margin, 0.0 < self.disparity_margin < 0.5, "a number in (0, 0.5)")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PipelineSettings":
        """Read what ``to_json`` wrote; fields that are absent take their defaults.

        Raises InvalidOptionError on unknown names or impossible values: those of a newer version are not guessed at.
        """
        physics = dict(_known(PisaPhysics, values.get("physics", {}), "physics of the checkpoint's settings"))
        if "ray_range" in physics:
            physics["ray_range"] = tuple(physics["ray_range"])
        fields = dict(_known(cls, values, "the checkpoint's settings")) | {"physics": PisaPhysics(**physics)}
        if "pisa_layers" in fields:
            fields["pisa_layers"] = tuple(fields["pisa_layers"])
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as nested dicts, lists, strings and numbers."""
        values = dataclasses.asdict(self)
        values["pisa_layers"] = list(self.pisa_layers)
        values["physics"]["ray_range"] = list(self.physics.ray_range)
        return values

    def as_variant(self, variant: Variant) -> "PipelineSettings":
        """Return these settings with the variant's switches; ``trained_as`` stays what it is."""
        return dataclasses.replace(
            self,
            physics=dataclasses.replace(self.physics, **variant.physics),
            timestep=self.timestep if variant.timestep is None else variant.timestep,
        )


def _known(record: type, values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    names = [f.name for f in dataclasses.fields(record)]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise InvalidOptionError(f"{what}: unknown {', '.join(unknown)}: expected some of {', '.join(names)}")
    return values


def _check(name: str, value: object, valid: bool, expected: str) -> None:
    if not valid:
        raise InvalidOptionError(f"{name}: expected {expected}, got {value!r}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    _check(name, value, value in choices, " or ".join(choices))
