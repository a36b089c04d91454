"""How much memory one untiled pass needs, before it is tried: what decides whether a picture is cut into tiles."""

from collections.abc import Mapping
from typing import Any

import psutil
import torch
from torch import Tensor

from ..attention.physics import PisaPhysics
from ..attention.plan import HEADROOM, LOG_TOLERANCE

USABLE_MEMORY = 0.8
"""Share of the free memory that an untiled pass may be estimated to need."""

PAIR_BYTES = 20
"""What a PISA plan takes at most for each pair of tokens in reach."""


def estimate_peak_bytes(
    vae: Mapping[str, Any], unet: Mapping[str, Any], pixels: int, latents: int, itemsizes: tuple[int, int], pairs: int
) -> int:
    """Estimate the activations of one untiled pass beyond the weights, in bytes, from the networks' widths.

    ``vae``, ``unet``: their configurations; ``pixels``, ``latents``: what each works on, times the batch;
    ``itemsizes``: bytes per number in each; ``pairs``: of tokens that PISA visits. The decoder's last stage holds three
    maps of its input's width at full resolution, and convolutions need workspace; the U-Net its skips, and about twelve
    maps of the largest level's width, or 22 in a level with transformers, whose gated layers are eight times as wide.
    """
    widths = vae["block_out_channels"]
    decoder = 5 * widths[min(1, len(widths) - 1)] * pixels * itemsizes[0]
    levels = [width * latents / 4**level for level, width in enumerate(unet["block_out_channels"])]
    skips = (unet["layers_per_block"] + 1) * sum(levels)
    attended = [x for x, kind in zip(levels, unet["down_block_types"], strict=True) if kind.startswith("CrossAttn")]
    widest = max(12 * max(levels), 22 * max(attended, default=0))
    return max(decoder, int((skips + widest) * itemsizes[1]) + PAIR_BYTES * pairs)


def free_bytes(device: torch.device) -> int:
    """Return the memory that is free on ``device``; what torch has reserved and does not use counts as free."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + reserved
    return psutil.virtual_memory().available


def count_pairs(defocus_px: Tensor, pitch_px: int, physics: PisaPhysics) -> int:
    """Bound the pairs of tokens within the largest circle of confusion of ``defocus_px`` (B,1,H,W).

    ``pitch_px``: side of a token. Without the circle of confusion all pairs count, without any physics none.
    """
    if physics.is_vanilla:
        return 0
    tokens = defocus_px.numel() // pitch_px**2
    if not physics.coc:
        return tokens * (tokens // defocus_px.shape[0])
    soft_edge_px = (LOG_TOLERANCE + HEADROOM) / physics.slope_per_px
    reach_tokens = (float(defocus_px.abs().max()) + soft_edge_px) / pitch_px
    return int(tokens * min(tokens // defocus_px.shape[0], (2.0 * reach_tokens + 1.0) ** 2))
