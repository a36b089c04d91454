"""The variants of BokehDiff: the full model, its ablations (paper, Table 2) and what goes beyond it, as data.

A variant with weights that ship is a renderer of its name. The others can be trained, too, and are rendered as
``NAME@FOLDER``. Imports no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.registry import Entry

FULL_MODEL = "bokehdiff"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a variant differs from the full model.

    - ``physics``: fields of ``PisaPhysics``, and ``rendering``: of ``PipelineSettings``, that rendering must use. A
      variant with neither differs in its training only.
    - ``training``: fields of ``PipelineSettings`` that its networks are built for: no other weights can take them.
    - ``weights``: the variant whose weights it renders, so that it is not trained; None: its own.
    - ``shipped``: whether these ship; only then it is a renderer of its name.
    - ``slow``: how slow, where that surprises.
    """

    summary: str
    physics: Mapping[str, Any] = field(default_factory=dict)
    rendering: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    shipped: bool = True
    slow: str = ""

    @property
    def differs_in_rendering(self) -> bool:
        """Whether the same weights render differently under this variant."""
        return bool(self.physics or self.rendering)


VARIANTS = {
    "bokehdiff": Variant(summary="one-step diffusion with physics-inspired self-attention (BokehDiff)"),
    "bokehdiff-no-coc": Variant(
        summary="BokehDiff without the circle of confusion", physics={"coc": False}, slow="minutes a picture on a CPU"
    ),
    "bokehdiff-no-softmaxq": Variant(
        summary="BokehDiff with the ordinary softmax over keys", physics={"softmax_over_queries": False}
    ),
    "bokehdiff-no-occlusion": Variant(summary="BokehDiff without self-occlusion", physics={"occlusion": False}),
    "bokehdiff-vanilla": Variant(
        summary="BokehDiff with ordinary self-attention: no PISA at all",
        physics={"coc": False, "softmax_over_queries": False, "occlusion": False},
    ),
    "bokehdiff-fixed-encoder": Variant(summary="BokehDiff trained with a frozen VAE encoder", shipped=False),
    "bokehdiff-t249": Variant(summary="BokehDiff at timestep 249", rendering={"timestep": 249}, shipped=False),
    "bokehdiff-t749": Variant(summary="BokehDiff at timestep 749", rendering={"timestep": 749}, shipped=False),
    "bokehdiff-no-adv": Variant(summary="BokehDiff trained without the adversarial loss", shipped=False),
    "bokehdiff-no-vgg": Variant(summary="BokehDiff trained without the VGG perceptual loss", shipped=False),
    "bokehdiff-no-edge": Variant(summary="BokehDiff trained without the edge loss", shipped=False),
    "bokehdiff-blend": Variant(
        summary="bokehdiff, with the input kept where it is in focus (beyond the paper)",
        rendering={"in_focus_blend_px": 0.7},
        weights="bokehdiff",
    ),
    "bokehdiff-plus": Variant(
        summary="BokehDiff given the defocus, as a residual on classical-occlusion, sharp where in focus",
        training={
            "condition_channels": ("defocus", "blur", "defocus_std"),
            "base": "classical-occlusion",
            "output_form": "residual",
            "residual": "picture",
            "in_focus_blend_px": 0.7,
        },
    ),
    "bokehdiff-plus-no-blend": Variant(
        summary="bokehdiff-plus without keeping the input where it is in focus",
        rendering={"in_focus_blend_px": 0.0},
        weights="bokehdiff-plus",
    ),
    "bokehdiff-plus-latent": Variant(
        summary="bokehdiff-plus with everything, the base too, through the autoencoder",
        rendering={"residual": "latent"},
        weights="bokehdiff-plus",
    ),
}


def variant_entries(shipped: bool) -> dict[str, Entry]:
    """Return the registry's entries of all variants whose weights ship, or of all others."""
    target = ".renderers.bokehdiff.renderer:BokehDiffRenderer"
    return {
        name: Entry(target, variant.summary, {"variant": name}, slow=variant.slow)
        for name, variant in VARIANTS.items()
        if variant.shipped == shipped
    }
