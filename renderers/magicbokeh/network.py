"""The compact network: a restoration branch, and a bokeh branch beside it that changes nothing until it is trained.

Everything lies on the latent grid of BokehDiff's compact autoencoder, a latent pixel for 4 x 4 px. The restoration
branch is a U-Net without text, time steps and a middle block, with self-attention on the way up where a token spans 8
px and more. The bokeh branch is a copy of its encoder that is given the defocus and reaches the U-Net through layers
that start at zero, as a ControlNet does, and low-rank changes to the attentions (``focus_attention``). No parameter
belongs to both.
"""

import copy
from collections.abc import Callable, Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.diffusers import ResnetBlock2D
from .focus_attention import LowRank, SelfAttention, attend, focus_tokens
from .settings import MagicSettings, NetworkSize

PITCH_PX = 4
"""Of the autoencoder's latents."""

CONDITIONS = 3
"""Channels of ``defocus_maps``."""

AttendAt = Callable[[int, Tensor], Tensor]
"""From a level and its features (B,C,h,w) to the features after attention."""


class MagicBokehNetwork(nn.Module):
    """z0 = z_base + n: the latent of the clean picture with bokeh, in one pass.

    The identity-start form of one diffusion step: with the noise prediction eps = (1 - sqrt(abar)) / sqrt(1 - abar) z +
    n' the step z0 = (z - sqrt(1 - abar) eps) / sqrt(abar) is z + n, a constant of the time step lying in the last
    layer, which starts at zero.
    """

    def __init__(self, settings: MagicSettings):
        super().__init__()
        self.settings = settings
        size = settings.size
        self.unet = _UNet(size)
        self.control = _Control(size, self.unet.encoder)
        self.low_rank = nn.ModuleList(LowRank(width, size.rank) for width in size.widths[1:])

    def forward(self, z_base: Tensor, z: Tensor, defocus: Tensor) -> Tensor:
        """Return n (B,C,h,w), which added to ``z_base`` gives z0.

        ``z_base``, ``z``: latents (B,C,h,w) of the base's picture and of the low-quality picture; the same ones where
        nothing is out of focus. ``defocus``: signed, in units of R, (B,1,4h,4w), float32 whatever the latents are.
        """
        defocus = defocus.clamp(-1.0, 1.0)
        skips = self.unet.encoder(self.unet.conv_in(z_base))
        added = self.control(z, defocus_maps(defocus).to(z.dtype))
        return self.unet.decode([skip + more for skip, more in zip(skips, added, strict=True)], self._attend(defocus))

    def start_control(self) -> None:
        """Let the bokeh branch start from the restoration branch's encoder as it is now."""
        self.control.copy_encoder(self.unet)

    def restoration_parameters(self) -> Iterator[nn.Parameter]:
        """Return those of the restoration branch."""
        return self.unet.parameters()

    def bokeh_parameters(self) -> Iterator[nn.Parameter]:
        """Return those of the bokeh branch."""
        yield from self.control.parameters()
        yield from self.low_rank.parameters()

    def _attend(self, defocus: Tensor) -> AttendAt:
        settings, away = self.settings, defocus.detach().abs()

        def attend_at(level: int, x: Tensor) -> Tensor:
            sharp = focus_tokens(away, settings.in_focus, PITCH_PX * 2**level, settings.attention)
            attention = cast(SelfAttention, self.unet.attentions[level - 1])
            side = cast(LowRank, self.low_rank[level - 1])
            return attend(x, attention, side, sharp, settings.attention)

        return attend_at


def defocus_maps(defocus: Tensor) -> Tensor:
    """Return what the bokeh branch is given of the defocus (B,1,4h,4w), per latent pixel: (B,CONDITIONS,h,w).

    2 |D| - 1 as in the source; beside it the mean signed defocus, since light of what is near spreads over what is in
    focus and that of what is far does not, and the standard deviation, which marks edges.
    """
    px = F.pixel_unshuffle(defocus.detach().float(), PITCH_PX)
    blur = 2.0 * px.abs().mean(dim=1) - 1.0
    return torch.stack([blur, px.mean(dim=1), px.std(dim=1, correction=0)], dim=1)


class _Encoder(nn.Module):
    """From the first features to one map for each level, the finest first."""

    def __init__(self, size: NetworkSize):
        super().__init__()
        before = (size.widths[0], *size.widths[:-1])
        self.levels = nn.ModuleList(
            _blocks(wide, width, count, size)
            for wide, width, count in zip(before, size.widths, size.blocks, strict=True)
        )
        self.reduce = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for width in size.widths[:-1])

    def forward(self, x: Tensor) -> list[Tensor]:
        skips = []
        for level, blocks in enumerate(self.levels):
            x = blocks(x if level == 0 else self.reduce[level - 1](x))
            skips.append(x)
        return skips


class _UNet(nn.Module):
    def __init__(self, size: NetworkSize):
        super().__init__()
        self.conv_in = nn.Conv2d(size.latent_channels, size.widths[0], 3, padding=1)
        self.encoder = _Encoder(size)
        coarser = (*size.widths[1:], size.widths[-1])
        self.levels = nn.ModuleList(
            _blocks(width if level == len(size.widths) - 1 else wide + width, width, count, size)
            for level, (wide, width, count) in enumerate(zip(coarser, size.widths, size.blocks, strict=True))
        )
        self.attentions = nn.ModuleList(SelfAttention(width, size.heads, size.groups) for width in size.widths[1:])
        self.enlarge = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in size.widths[1:])
        self.norm_out = nn.GroupNorm(size.groups, size.widths[0])
        self.conv_out = nn.Conv2d(size.widths[0], size.latent_channels, 3, padding=1)
        for weight in self.conv_out.parameters():
            nn.init.zeros_(weight)

    def decode(self, skips: list[Tensor], attend_at: AttendAt) -> Tensor:
        """Return n from the encoder's maps; ``attend_at``: what attends at a level."""
        x = self.levels[-1](skips[-1])
        for level in reversed(range(len(skips) - 1)):
            x = attend_at(level + 1, x)
            x = self.enlarge[level](F.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = self.levels[level](torch.cat([x, skips[level]], dim=1))
        return self.conv_out(F.silu(self.norm_out(x)))


class _Control(nn.Module):
    """A copy of the encoder that sees the low-quality latent and the defocus; what it adds starts at zero."""

    def __init__(self, size: NetworkSize, encoder: _Encoder):
        super().__init__()
        width = size.widths[0]
        self.conv_in = nn.Conv2d(size.latent_channels, width, 3, padding=1)
        self.condition = nn.Sequential(
            nn.Conv2d(CONDITIONS, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.encoder = copy.deepcopy(encoder)
        self.zero = nn.ModuleList(nn.Conv2d(width, width, 1) for width in size.widths)
        for weight in (*self.condition[-1].parameters(), *self.zero.parameters()):
            nn.init.zeros_(weight)

    def copy_encoder(self, unet: _UNet) -> None:
        """Take the weights of a restoration branch's encoder."""
        self.encoder.load_state_dict(unet.encoder.state_dict())
        self.conv_in.load_state_dict(unet.conv_in.state_dict())

    def forward(self, z: Tensor, maps: Tensor) -> list[Tensor]:
        """Return what is added to each of the U-Net's skips."""
        skips = self.encoder(self.conv_in(z) + self.condition(maps))
        return [layer(skip) for layer, skip in zip(self.zero, skips, strict=True)]


class _Blocks(nn.Sequential):
    """Residual blocks in a row, which diffusers asks for a time embedding: there is none."""

    def forward(self, x: Tensor) -> Tensor:
        for block in self:
            x = block(x, None)
        return x


def _blocks(wide: int, width: int, count: int, size: NetworkSize) -> _Blocks:
    """Return residual blocks, the first of which takes ``wide`` channels."""
    return _Blocks(
        *(
            ResnetBlock2D(
                in_channels=wide if n == 0 else width,
                out_channels=width,
                temb_channels=None,
                groups=size.groups if (wide if n == 0 else width) % size.groups == 0 else 1,
                groups_out=size.groups,
            )
            for n in range(count)
        )
    )
