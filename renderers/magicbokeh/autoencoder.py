"""BokehDiff's compact autoencoder, whose latents MagicBokeh's compact network works on."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.timing import staged
from ..diffusion.stored_networks import load_network
from ..diffusion.tiling import tile_autoencoder
from .network import PITCH_PX
from .weight_files import AUTOENCODER

if TYPE_CHECKING:
    from ...core.diffusers import AutoencoderKL


class CompactAutoencoder(nn.Module):
    """From pictures (B,3,4h,4w) in [0,1] to latents (B,C,h,w) and back. Computes in float32."""

    def __init__(self, vae: "AutoencoderKL"):
        super().__init__()
        self.vae = vae

    @classmethod
    def shipped(cls) -> "CompactAutoencoder":
        """Load the one that ships, on the CPU. Raises MissingWeightsError where its files are damaged."""
        from ...core.diffusers import AutoencoderKL  # here, as importing diffusers takes seconds

        return cls(load_network(AutoencoderKL, AUTOENCODER, torch.float32))

    def tile(self, side: int | None) -> None:
        """Work in overlapping tiles of ``side`` latent px from now on; None: in one piece."""
        tile_autoencoder(self.vae, side, 1)

    @staged("encode")
    def encode(self, image: Tensor) -> Tensor:
        """Return the scaled latent at the posterior's mode: no noise."""
        pixels = F.pixel_unshuffle(2.0 * image - 1.0, PITCH_PX)
        return self.vae.encode(pixels).latent_dist.mode() * self.vae.config.scaling_factor

    @staged("decode")
    def decode(self, latent: Tensor) -> Tensor:
        """Return the picture of a scaled latent; not clipped to [0,1]."""
        pixels = self.vae.decode(latent / self.vae.config.scaling_factor).sample
        return 0.5 + 0.5 * F.pixel_shuffle(pixels, PITCH_PX)
