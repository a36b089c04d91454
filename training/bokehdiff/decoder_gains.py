"""How strongly a decoder shows what changes in a latent."""

from typing import Protocol

import torch
from torch import Tensor

PROBE = 0.1
"""By which a latent is moved."""


class Decoder(Protocol):
    """Makes pictures (B,3,H,W) in [0,1] of latents (B,C,h,w)."""

    def decode(self, latents: Tensor, /) -> Tensor:
        """Return the pictures."""


@torch.no_grad()
def decoder_gains(decoder: Decoder, latents: Tensor) -> Tensor:
    """Return (C,1,1): the mean square of the picture's change, in [0,1] units, per square of each channel's change.

    Channels are moved one by one at every px of the latent, by a random sign each.
    """
    draw = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, latents[:, :1].shape, generator=draw).to(latents) * 2.0 - 1.0
    still = decoder.decode(latents).float()
    gains = []
    for channel in range(latents.shape[1]):
        moved = latents.clone()
        moved[:, channel : channel + 1] += PROBE * signs
        gains.append((decoder.decode(moved).float() - still).square().mean() / PROBE**2)
    return torch.stack(gains)[:, None, None]
