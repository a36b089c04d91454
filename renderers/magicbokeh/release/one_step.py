"""One tile in one pass: encoder, U-Net with its branch, decoder."""

import math

import torch
from torch import Tensor

from ....core.timing import stage, staged
from .defocus import SHARP
from .focus_attention import FocusMask, masking
from .loading import TIMESTEP, ReleasedNetworks


@torch.no_grad()
def render_tile(
    networks: ReleasedNetworks, image: Tensor, condition: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Return the picture (B,3,H,W) float32 in [0,1] of a tile; both sides multiples of 64 px.

    ``image``: (B,3,H,W) in [0,1]; ``condition``: (B,1,H,W), see ``defocus.condition_of``. ``generator``: draws the
    latent from the encoder's posterior, as the authors' program does; None: its mode.
    """
    z = encode(networks, image, generator)
    n = predict_noise(networks, z, condition)
    z0 = (z - math.sqrt(1.0 - networks.alpha_bar) * n) / math.sqrt(networks.alpha_bar)
    return decode(networks, z0)


@staged("encode")
def encode(networks: ReleasedNetworks, image: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the scaled latent (B,C,h,w) float32."""
    posterior = networks.vae.encode((2.0 * image - 1.0).to(networks.vae.dtype)).latent_dist
    z = posterior.mode() if generator is None else posterior.sample(generator)
    return z.float() * networks.vae.config.scaling_factor


def predict_noise(networks: ReleasedNetworks, z: Tensor, condition: Tensor) -> Tensor:
    """Return what the U-Net takes for noise in z, (B,C,h,w) float32."""
    mask = FocusMask(condition <= SHARP, (z.shape[-2], z.shape[-1]))
    timestep = torch.tensor(TIMESTEP, device=z.device)
    latent = z.to(networks.unet.dtype)
    with stage("control branch"):
        added = networks.control(latent, timestep, (2.0 * condition - 1.0).expand(-1, 3, -1, -1).to(latent.dtype))
    with stage("U-Net"), masking(mask):
        return networks.unet(
            latent,
            timestep,
            None,  # there is no text
            down_block_additional_residuals=added,
            mid_block_additional_residual=latent.new_zeros(()),  # without it diffusers takes the others for an adapter
            return_dict=False,
        )[0].float()


@staged("decode")
def decode(networks: ReleasedNetworks, z0: Tensor) -> Tensor:
    """Return the picture (B,3,H,W) float32 in [0,1] of a scaled latent."""
    pixels = networks.vae.decode((z0 / networks.vae.config.scaling_factor).to(networks.vae.dtype)).sample
    return (0.5 + 0.5 * pixels.float()).clamp(0.0, 1.0)
