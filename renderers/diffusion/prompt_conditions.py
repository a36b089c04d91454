"""What a U-Net takes beside its sample: the prompt, and for SDXL where the picture was cut from."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from .tiling import Tile

if TYPE_CHECKING:
    from ...core.diffusers import UNet2DConditionModel
    from .prompt import PromptEmbeddings


def condition_on_prompt(
    prompt: "PromptEmbeddings", unet: "UNet2DConditionModel", z: Tensor, tile: Tile, pitch_px: int
) -> tuple[Tensor, dict[str, Tensor] | None]:
    """Return the prompt's tokens (B,T,width) and SDXL's added conditions, for a ``tile`` of the latent z (B,C,h,w).

    Added: ``text_embeds`` (B,width), and ``time_ids`` (B,6) float32 in px, a latent px being ``pitch_px`` px: the
    original height and width, top and left of the crop, its height and width (SDXL, section 2.2). None where the U-Net
    takes none.
    """
    batch = z.shape[0]
    tokens = prompt.tokens.expand(batch, -1, -1).to(unet.dtype)
    if unet.config.addition_embed_type != "text_time":
        return tokens, None
    numbers = (*z.shape[-2:], tile.top, tile.left, tile.height, tile.width)
    time_ids = torch.tensor([[pitch_px * n for n in numbers]], device=z.device, dtype=torch.float32)
    if prompt.pooled is None:
        raise InvalidOptionError("prompt: SDXL needs its pooled embedding, and this one has none: embed it again")
    pooled = prompt.pooled.expand(batch, -1).to(unet.dtype)
    return tokens, {"text_embeds": pooled, "time_ids": time_ids.expand(batch, -1)}
