"""A start for the compact autoencoder that reconstructs before any training: principal components of image patches.

API: ``start_at_principal_components(vae, pictures)``. The components run through diffusers' stock AutoencoderKL as they
are: each travels as a pair of channels +u and -u, since silu(u) - silu(-u) = u; two constant channels in every
GroupNorm group hold its scale fixed; the residual blocks start at zero. With 16 components of 4x4x3 patches photographs
come back at about 38 dB, from where training goes on; from a default initialisation it stays near 20 dB for as long.
"""

import torch
from torch import Tensor, nn

from ...core.diffusers import AutoencoderKL, ResnetBlock2D
from ...core.errors import InvalidOptionError

CONSTANT = 30.0
"""Value of the constant channels: large against the signal, so that GroupNorm's statistics hardly see the picture."""

WHITENING = 0.5
"""Exponent between the components' own variances (0) and equal variances (1) of the latent channels."""

LOG_VARIANCE = -9.0
"""Of the posterior: next to no noise."""


@torch.no_grad()
def start_at_principal_components(vae: AutoencoderKL, pixels: Tensor) -> None:
    """Set the weights of an AutoencoderKL without downsampling, in place.

    ``pixels``: (N,C,h,w) in [-1,1], as the autoencoder gets them (folded px). Raises InvalidOptionError where the
    latent's channels don't fit in pairs beside two constant ones in every group.
    """
    latent, groups = vae.config.latent_channels, vae.config.norm_num_groups
    mean, components, variances = principal_components(pixels, latent)
    gain = variances.clamp(min=1e-6) ** (-0.5 * WHITENING)
    gain = gain / (gain * variances.sqrt()).square().mean().sqrt()
    for block in vae.modules():
        if isinstance(block, ResnetBlock2D):
            nn.init.zeros_(block.conv2.weight)
            nn.init.zeros_(block.conv2.bias)
    encoder, decoder = vae.encoder, vae.decoder
    analysis = (components * gain).T
    posterior = torch.cat([torch.eye(latent), torch.zeros(latent, latent)])
    log_variance = torch.cat([torch.zeros(latent), torch.full((latent,), LOG_VARIANCE)])
    _wire(encoder.conv_in, encoder.conv_norm_out, encoder.conv_out, groups, analysis, -(analysis @ mean), posterior)
    encoder.conv_out.bias.copy_(log_variance)
    synthesis = components / gain
    _wire(decoder.conv_in, decoder.conv_norm_out, decoder.conv_out, groups, torch.eye(latent), None, synthesis)
    decoder.conv_out.bias.copy_(mean)
    _set_identity(vae.quant_conv)
    _set_identity(vae.post_quant_conv)


def principal_components(pixels: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean (C,), the first components (C,count) and their variances (count,) of the channels of (N,C,h,w)."""
    samples = pixels.permute(0, 2, 3, 1).flatten(0, 2).double()
    mean = samples.mean(dim=0)
    centred = samples - mean
    variances, components = torch.linalg.eigh(centred.T @ centred / len(samples))
    return mean.float(), components.flip(1)[:, :count].float(), variances.flip(0)[:count].float()


def _wire(
    first: nn.Conv2d,
    norm: nn.GroupNorm,
    last: nn.Conv2d,
    groups: int,
    w_in: Tensor,
    b_in: Tensor | None,
    w_out: Tensor,
) -> None:
    """Make last(silu(norm(first(x)))) equal w_out (w_in x + b_in), the residual blocks between being zero.

    ``w_in``: (n, channels in), ``w_out``: (channels out, n).
    """
    count, width = w_in.shape[0], first.out_channels
    shift = _bias(first)
    per_group, each = width // groups, -(-count // groups)
    if 2 + 2 * each > per_group:
        raise InvalidOptionError(
            f"autoencoder: {count} latent channels need {groups * (2 + 2 * each)} channels in {groups} groups, "
            f"got {width}"
        )
    scale = (2.0 * CONSTANT**2 / per_group) ** 0.5
    norm.weight.fill_(1.0)
    norm.bias.zero_()
    last.weight.zero_()
    used = set()
    for group in range(groups):
        for sign, channel in ((1.0, group * per_group), (-1.0, group * per_group + 1)):
            first.weight[channel] = 0.0
            shift[channel] = sign * CONSTANT
            used.add(channel)
    for index in range(count):
        plus = index // each * per_group + 2 + 2 * (index % each)
        for sign, channel in ((1.0, plus), (-1.0, plus + 1)):
            first.weight[channel] = 0.0
            first.weight[channel, :, 1, 1] = sign * w_in[index]
            shift[channel] = 0.0 if b_in is None else sign * b_in[index]
            norm.weight[channel] = scale
            last.weight[:, channel, 1, 1] = sign * w_out[:, index]
            used.add(channel)
    for channel in set(range(width)) - used:
        norm.weight[channel] = scale
        first.weight[channel] *= 0.5


def _set_identity(convolution: nn.Conv2d) -> None:
    convolution.weight.copy_(torch.eye(convolution.out_channels)[:, :, None, None])
    _bias(convolution).zero_()


def _bias(convolution: nn.Conv2d) -> Tensor:
    if convolution.bias is None:
        raise InvalidOptionError("autoencoder: expected convolutions with a bias")
    return convolution.bias
