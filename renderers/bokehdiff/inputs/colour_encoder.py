"""The autoencoder's encoder for pictures without detail: a few products per token in place of dozens of convolutions.

What ``token_colours`` makes is an enlargement of one colour a token. Its latent depends on little more than the
colours around it, so that a network of 20,000 weights, fitted to the encoder itself
(``training.bokehdiff.fit_colour_encoder``), stands in for it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....core.diffusers import ConfigMixin, ModelMixin, register_to_config

REACH = 2
"""Tokens that are seen to each side: as far as the bicubic enlargement of a token depends on."""


class ColourEncoder(ModelMixin, ConfigMixin):
    """From the tokens' colours to the latent of their bicubic enlargement: an affine map plus what it lacks.

    Both see the 5 x 5 neighbourhood of a token; the edge of the picture repeats. A new one returns 0. Computes in
    float32. ``fitted_to``: digest of the encoder that it was fitted to; ``alike_db``: how alike, see there.
    """

    @register_to_config
    def __init__(self, latent_channels: int = 16, width: int = 96, fitted_to: str = "", alike_db: float = 0.0):
        super().__init__()
        side = 2 * REACH + 1
        self.affine = nn.Conv2d(3, latent_channels, side)
        last = nn.Conv2d(width, latent_channels, 1)
        self.rest = nn.Sequential(nn.Conv2d(3, width, side), nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU(), last)
        for parameter in (*self.affine.parameters(), *last.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, colours: Tensor) -> Tensor:
        """Return the scaled latent (B,C,h,w) in float32 of display-encoded ``colours`` (B,3,h,w) in [0,1]."""
        with torch.autocast(colours.device.type, enabled=False):
            seen = F.pad(2.0 * colours.float() - 1.0, [REACH] * 4, mode="replicate")
            return self.affine(seen) + self.rest(seen)
