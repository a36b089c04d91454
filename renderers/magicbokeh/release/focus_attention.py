"""Focus-aware masked attention as the authors released it: a second, low-rank attention that does not mix the planes.

Beside the self-attention of the U-Net's up blocks, which sees all pairs of tokens, runs one with low-rank changes to
queries, keys, values and output, in which tokens in focus see those in focus only, and the others the others.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from ....core.errors import InvalidOptionError

if TYPE_CHECKING:
    from ....core.diffusers import Attention, UNet2DConditionModel

APART = -100.0
"""What a pair's score is lowered by across the focus; a tile of one kind has no such pair."""

PROCESSOR = ".processor."
"""In the names of this attention's weights in the U-Net."""


class FocusMask:
    """Which tokens of a picture are in focus. ``in_focus``: (B,1,H,W) bool; ``latents``: (h,w) of its latent."""

    def __init__(self, in_focus: Tensor, latents: tuple[int, int]):
        self._in_focus = in_focus.float()
        self._latents = latents
        self._added: dict[int, Tensor | None] = {}

    def added_to_scores(self, tokens: int) -> Tensor | None:
        """Return what is added to the scores of a grid of so many tokens: (B,1,N,N) for all heads alike; None: nothing.

        The top left px of a token decides for it (nearest neighbour).
        """
        if tokens not in self._added:
            height, width = self._latents
            downscale = math.isqrt(height * width // tokens)
            grid = (height // downscale, width // downscale)
            kind = F.interpolate(self._in_focus, grid, mode="nearest").flatten(1)
            apart = kind[:, None, :, None] != kind[:, None, None, :]
            self._added[tokens] = APART * apart.float() if bool(apart.any()) else None
        return self._added[tokens]


_mask: ContextVar[FocusMask | None] = ContextVar("focus mask", default=None)
"""Of the forward pass that runs in this thread."""


@contextmanager
def masking(mask: FocusMask) -> Iterator[None]:
    """Hand the attention layers their mask for the length of a ``with`` block, in this thread."""
    token = _mask.set(mask)
    try:
        yield
    finally:
        _mask.reset(token)


class FocusProcessor(nn.Module):
    """Stands in for diffusers' attention processor; its weights have the authors' names.

    ``scale``: what the low-rank products count, alpha / rank.
    """

    def __init__(self, channels: int, rank: int, scale: float):
        super().__init__()
        self.scale = scale
        self.to_q_lora, self.to_k_lora, self.to_v_lora, self.to_out_lora = (
            nn.Sequential(nn.Linear(channels, rank, bias=False), nn.Linear(rank, channels, bias=False))
            for _ in range(4)
        )

    def forward(self, attn: "Attention", hidden_states: Tensor, *unused: object, **also_unused: object) -> Tensor:
        """Attend among ``hidden_states`` (B,N,C), tokens numbered row by row; return (B,N,C).

        Raises InvalidOptionError where no mask was handed over.
        """
        mask = _mask.get()
        if mask is None:
            raise InvalidOptionError("the focus-aware attention has no mask: run it inside `masking`")
        added = mask.added_to_scores(hidden_states.shape[1])
        projected = [project(hidden_states) for project in (attn.to_q, attn.to_k, attn.to_v)]
        changes = [change(hidden_states) for change in (self.to_q_lora, self.to_k_lora, self.to_v_lora)]
        whole = _attend(projected, attn.heads, None)
        changed = [x + self.scale * change for x, change in zip(projected, changes, strict=True)]
        apart = _attend(changed, attn.heads, None if added is None else added.to(hidden_states.dtype))
        return attn.to_out[1](attn.to_out[0](whole) + self.scale * self.to_out_lora(apart))


def add_focus_attention(unet: "UNet2DConditionModel", rank: int, scale: float) -> None:
    """Put a FocusProcessor into every self-attention of the up blocks; all others keep diffusers' own."""
    for name, module in list(unet.named_modules()):
        if name.startswith("up_blocks.") and name.endswith(".attn1"):
            width = module.to_q.in_features
            module.set_processor(FocusProcessor(width, rank, scale).to(module.to_q.weight.device))


def _attend(projected: list[Tensor], heads: int, added: Tensor | None) -> Tensor:
    """Return softmax(q k / sqrt(d) + added) v, (B,N,C), of queries, keys and values (B,N,C)."""
    q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in projected)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=added).transpose(1, 2).flatten(2)
