"""The loss between latents, which costs no decoder."""

import torch
from torch import Tensor

PSNR_WEIGHT = 0.01
"""Of the logarithm: gradients of the size that clipping at 1 expects."""

PSNR_FLOOR = 3e-5
"""Added to the squared error before its logarithm: at 45 dB the autoencoder's loss rules."""


class LatentLoss:
    """Squared error of a latent, each channel weighted by how strongly the decoder shows it (``gains`` (C,1,1)).

    To first order that is the squared error of the picture. ``form``: ``mse``, or ``psnr`` for its logarithm, sample by
    sample, so that a scene rendered at 40 dB counts as much as one at 25; ``floor`` is added to the error before, and
    decides how much more a sample counts that is right already.
    """

    def __init__(self, gains: Tensor, form: str, floor: float = PSNR_FLOOR):
        self._gains = gains
        self._form = form
        self._floor = floor

    def __call__(self, z0: Tensor, z_target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of latents (B,C,h,w) and, without a gradient, the picture's squared error; both scalars."""
        mse = ((z0 - z_target).square() * self._gains).sum(dim=1).mean(dim=(1, 2))
        loss = 4.0 * mse if self._form == "mse" else PSNR_WEIGHT * torch.log(mse + self._floor)
        return loss.mean(), mse.mean().detach()
