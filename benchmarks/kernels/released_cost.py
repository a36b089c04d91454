"""What one pass costs as the authors' released code spends it; to time against, not to make pictures with.

It tiles the noise prediction above 8192 latents into 64-latent tiles at 3/4 of their side, attends densely over all
pairs of tokens, and computes the occlusion map again in every attention call of PISA's layers, the cross-attentions
included. Their weights, dropout and conventions are left out: time and memory do not depend on them.

Source: the released code of BokehDiff (ICCV 2025), as facts; none of it is copied.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.diffusers import Attention
from ...core.errors import InvalidOptionError
from ...renderers.attention.diffusers_layers import token_downscale
from ...renderers.attention.geometry import TokenGeometry
from ...renderers.attention.parts import PlannedPart
from ...renderers.attention.physics import PisaPhysics
from ...renderers.attention.reference import attend_dense, log_circle_dense
from ...renderers.attention.visibility import visibility_dense
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.settings import PipelineSettings
from ...renderers.diffusion.tiling import Tile

RELEASED_TILE_LATENTS = 64
UNTILED_LATENTS = 8192


class DenseProcessor:
    """An attention of a PISA layer: dense, with the occlusion map of its token grid computed in each call.

    A cross-attention computes the map too, and does not use it.
    """

    def __init__(self, physics: PisaPhysics):
        self.physics = physics
        self.geometry: TokenGeometry | None = None

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        *unused: object,
        **also_unused: object,
    ) -> Tensor:
        """Attend among ``hidden_states`` (B,N,C), or to ``encoder_hidden_states`` (B,M,D); return (B,N,C)."""
        if self.geometry is None:
            raise InvalidOptionError("PISA has no geometry: call the U-Net through ReleasedCostPipeline")
        visibility = visibility_dense(self.geometry, self.physics, dtype=torch.float32)
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = attn.to_q(hidden_states), attn.to_k(source), attn.to_v(source)
        q, k, v = (x.unflatten(2, (attn.heads, -1)).transpose(1, 2) for x in (q, k, v))
        if encoder_hidden_states is None:
            log_circle = log_circle_dense(self.geometry, self.physics).to(q.dtype)
            mixed = attend_dense(q, k, v, log_circle, visibility.to(q.dtype))
        else:
            mixed = F.scaled_dot_product_attention(q, k, v)
        return attn.to_out[1](attn.to_out[0](mixed.transpose(1, 2).flatten(2)))


class ReleasedCostPipeline(BokehDiffPipeline):
    """The pipeline with the released code's cost structure; call it with ``tiling="auto"``.

    It takes over the U-Net's attention processors: make another ``BokehDiffPipeline`` of the networks afterwards to
    have them back.
    """

    def configure(self, settings: PipelineSettings) -> None:
        """Use these settings; every attention below PISA's paths becomes dense."""
        super().configure(settings)
        self._dense = {downscale: DenseProcessor(settings.physics) for downscale in self._pisa.downscales}
        self.attention_calls = 0
        for path in settings.pisa_layers:
            for name, module in self.unet.named_modules():
                if name.startswith(f"{path}.") and name.endswith((".attn1", ".attn2")):
                    module.set_processor(self._dense[token_downscale(self.unet, path)])
                    self.attention_calls += 1

    @property
    def one_pass_latents(self) -> int:
        """The released code's limit."""
        return UNTILED_LATENTS

    def _choose_tiles(self, padded: Tensor, tiling: str, tile_latents: int) -> tuple[list[Tile], int | None]:
        return super()._choose_tiles(padded, "auto", RELEASED_TILE_LATENTS)

    def _tile_autoencoder(self, side: int | None) -> None:
        self.vae.disable_tiling()

    def _build_plans(
        self, disparity: Tensor, defocus_px: Tensor, tile: Tile, seed: int
    ) -> dict[int, list[PlannedPart]]:
        for downscale, processor in self._dense.items():
            grid = (tile.height // downscale, tile.width // downscale)
            processor.geometry = TokenGeometry.from_maps(disparity, defocus_px, grid, self.active_settings.pooling)
        return {}


def as_released(pipeline: BokehDiffPipeline) -> ReleasedCostPipeline:
    """Return a pipeline of the same networks that spends what the released code spends."""
    parts: dict[str, Any] = {name: getattr(pipeline, name) for name in ("vae", "unet", "scheduler", "prompt")}
    return ReleasedCostPipeline(**parts, settings=pipeline.active_settings.to_json())
