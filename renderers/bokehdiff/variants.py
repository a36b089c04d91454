"""The registered BokehDiff renderers: the full model and its ablations (paper, Table 2) as data. Imports no torch.

The checkpoint of a variant has the variant's name: each is bound to the weights that were trained that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..lazy_registry import Entry

FULL_MODEL = "bokehdiff"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a variant differs from the full model.

    ``physics``: fields of ``PisaPhysics``, ``timestep``: of ``PipelineSettings``, that rendering must use; None: the
    full model's. A variant with neither differs in its training only.
    """

    summary: str
    physics: Mapping[str, Any] = field(default_factory=dict)
    timestep: int | None = None

    @property
    def differs_in_rendering(self) -> bool:
        """Whether the same weights render differently under this variant."""
        return bool(self.physics) or self.timestep is not None


VARIANTS = {
    "bokehdiff": Variant(summary="one-step diffusion with physics-inspired self-attention (BokehDiff)"),
    "bokehdiff-no-coc": Variant(summary="BokehDiff without the circle of confusion", physics={"coc": False}),
    "bokehdiff-no-softmaxq": Variant(
        summary="BokehDiff with the ordinary softmax over keys", physics={"softmax_over_queries": False}
    ),
    "bokehdiff-no-occlusion": Variant(summary="BokehDiff without self-occlusion", physics={"occlusion": False}),
    "bokehdiff-vanilla": Variant(
        summary="BokehDiff with ordinary self-attention: no PISA at all",
        physics={"coc": False, "softmax_over_queries": False, "occlusion": False},
    ),
    "bokehdiff-fixed-encoder": Variant(summary="BokehDiff trained with a frozen VAE encoder"),
    "bokehdiff-t249": Variant(summary="BokehDiff at timestep 249", timestep=249),
    "bokehdiff-t749": Variant(summary="BokehDiff at timestep 749", timestep=749),
    "bokehdiff-no-adv": Variant(summary="BokehDiff trained without the adversarial loss"),
    "bokehdiff-no-vgg": Variant(summary="BokehDiff trained without the VGG perceptual loss"),
    "bokehdiff-no-edge": Variant(summary="BokehDiff trained without the edge loss"),
}


def variant_entries() -> dict[str, Entry]:
    """Return the registry's entries of all variants."""
    target = ".renderers.bokehdiff.renderer:BokehDiffRenderer"
    options: dict[str, dict[str, Any]] = {name: {"variant": name} for name in VARIANTS}
    return {name: Entry(target, variant.summary, options[name]) for name, variant in VARIANTS.items()}
