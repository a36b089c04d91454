"""What identifies the weights that latents come from: those a training uses but does not change."""

import hashlib

from torch import nn

DIGITS = 16


def digest_encoder(vae: nn.Module) -> str:
    """Return the first digits of the SHA-256 of the encoder's weights in float32; the decoder does not count.

    ``vae``: diffusers' AutoencoderKL.
    """
    return _digest(vae, "encoder.", "quant_conv.")


def digest_module(module: nn.Module) -> str:
    """Return the same of all weights of a module."""
    return _digest(module, "")


def _digest(module: nn.Module, *prefixes: str) -> str:
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        if name.startswith(prefixes):
            digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:DIGITS]
