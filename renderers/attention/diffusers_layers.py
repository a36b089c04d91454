"""PISA in diffusers' U-Net: attention processors, where they go, and how one forward pass hands them its plans.

Geometry does not travel through ``cross_attention_kwargs``, which every other layer would have to know. The pipeline
gives each PISA layer the plans of its token grid for the length of one forward pass (``PisaLayers.using``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from ...core.timing import stage
from .parts import PlannedPart, attend

if TYPE_CHECKING:
    from ...core.diffusers import Attention, UNet2DConditionModel


_plans: ContextVar[Mapping[int, Sequence[PlannedPart]]] = ContextVar(
    "plans of each token grid", default=MappingProxyType({})
)
"""Of the forward pass that runs in this thread: latent px per token and axis -> the plans of its tokens' parts."""


class PisaProcessor:
    """Replaces the softmax of a self-attention layer by PISA; projections, LoRA and heads stay diffusers'.

    ``downscale``: latent px per token and axis of the layer's grid.
    """

    def __init__(self, downscale: int) -> None:
        self.downscale = downscale
        # Stays out of torch.compile, as the plan's blocks differ from scene to scene. No decorator, which would import
        # the compiler with this module: that takes over a second.
        self._attend = torch.compiler.disable(_attend)

    def __call__(self, attn: "Attention", hidden_states: Tensor, *unused: object, **also_unused: object) -> Tensor:
        """Attend among ``hidden_states`` (B,N,C), tokens numbered row by row; return (B,N,C).

        Raises InvalidOptionError outside a forward pass of the pipeline: there is no geometry then.
        """
        q, k, v = (_split_heads(project(hidden_states), attn.heads) for project in (attn.to_q, attn.to_k, attn.to_v))
        mixed = self.attend(q, k, v).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](mixed))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what stands in for the softmax: (B,heads,N,d) of queries, keys and values of that shape."""
        return self._attend(q, k, v, self.downscale)


class PisaLayers:
    """The PISA layers of one U-Net.

    ``paths``: module paths; every self-attention (attn1) below each gets a PisaProcessor, all others diffusers' own.
    ``downscales``: latent px per token and axis of every grid that occurs.
    Raises InvalidOptionError where a path holds no self-attention.
    """

    def __init__(self, unet: "UNet2DConditionModel", paths: Sequence[str]):
        from ...core.diffusers import AttnProcessor2_0  # here, as importing diffusers takes seconds

        unet.set_attn_processor(AttnProcessor2_0())
        for path in paths:
            for layer in _self_attentions(unet, path):
                layer.set_processor(PisaProcessor(token_downscale(unet, path)))
        self.downscales = tuple(dict.fromkeys(token_downscale(unet, path) for path in paths))

    @staticmethod
    @contextmanager
    def using(plans: Mapping[int, Sequence[PlannedPart]]) -> Iterator[None]:
        """Hand the layers the plans of their grid (downscale -> plans of its parts) for the length of a ``with`` block.

        Only in this thread: others may run forward passes of the same U-Net with plans of their own meanwhile.
        """
        token = _plans.set(plans)
        try:
            yield
        finally:
            _plans.reset(token)


def _self_attentions(unet: "UNet2DConditionModel", path: str) -> "list[Attention]":
    modules = dict(unet.named_modules())
    found = [m for name, m in modules.items() if name.startswith(f"{path}.") and name.endswith(".attn1")]
    if not found:
        places = sorted({name.split(".transformer_blocks")[0] for name in modules if name.endswith(".attn1")})
        raise InvalidOptionError(
            f"pisa_layers: no self-attention below '{path}': this U-Net has some in {', '.join(places)}"
        )
    return found


def token_downscale(unet: "UNet2DConditionModel", path: str) -> int:
    """Return how many latent px a token spans per axis in the block that ``path`` lies in."""
    deepest = len(unet.config.block_out_channels) - 1
    block, _, rest = path.partition(".")
    if block == "mid_block":
        return 2**deepest
    index = int(rest.partition(".")[0])
    return 2 ** (index if block == "down_blocks" else deepest - index)


def _attend(q: Tensor, k: Tensor, v: Tensor, downscale: int) -> Tensor:
    planned = _plans.get().get(downscale)
    if planned is None:
        raise InvalidOptionError("PISA has no geometry: call the U-Net through BokehDiffPipeline, not by itself")
    with stage("attention"):
        return attend(q, k, v, planned)


def _split_heads(x: Tensor, heads: int) -> Tensor:
    """(B,N,heads*d) to (B,heads,N,d)."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)
