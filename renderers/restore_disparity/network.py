"""The network that restores a disparity map: a small U-Net at half the size, with space folded into channels.

What it adds to the map is in units of how much the map varies around a pixel: nothing where the map is even, and any
scale and offset of the map come out as they went in.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FOLD = 2
"""Side of the squares of pixels whose values become channels."""

LEVELS = (32, 64, 64)
"""Channels at half, a quarter and an eighth of the size."""

MULTIPLE = FOLD * 2 ** (len(LEVELS) - 1)
"""Sides are filled up to multiples of it."""

REACHES = (1, 2, 6)
"""How far around a square of pixels the map's variation is looked for, in squares."""

SMALL = 0.02
"""Of the map's range: variation below it is none to speak of."""

SMALLEST = 1e-30
"""In place of the range of an even map."""


class Block(nn.Module):
    """x + ELU(conv(ELU(conv(x))))."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,C,h,w) of (B,C,h,w)."""
        return x + F.elu(self.second(F.elu(self.first(x))))


class DisparityNetwork(nn.Module):
    """From a picture and the map that goes with it to the map of the clean picture. Starts as the identity."""

    def __init__(self) -> None:
        super().__init__()
        maps = (3 + len(REACHES)) * FOLD**2 + len(REACHES)
        self.conv_in = nn.Conv2d(maps, LEVELS[0], 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(LEVELS))
        self.encoder = nn.ModuleList(Block(width) for width in LEVELS[1:])
        self.decoder = nn.ModuleList(Block(width) for width in LEVELS)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(LEVELS))
        self.conv_out = nn.Conv2d(LEVELS[0], len(REACHES) * FOLD**2, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor, disparity: Tensor) -> Tensor:
        """Return what the map (B,1,H,W) lacks, of any range, as ``disparity`` has it.

        ``image``: (B,3,H,W), display-encoded, [0,1].
        """
        height, width = disparity.shape[-2:]
        fill = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        image, given = (F.pad(x, fill, mode="replicate") for x in (image, disparity))
        span = given.amax(dim=(2, 3), keepdim=True) - given.amin(dim=(2, 3), keepdim=True)
        low, contrast = variation(given)
        small = SMALL * span.clamp(min=SMALLEST)
        around, above = _enlarge(contrast), given - _enlarge(low)
        place = (above - 0.5 * around) / (around + small)
        folded = F.pixel_unshuffle(torch.cat([image - 0.5, place], dim=1), FOLD)
        largest = contrast[:, -1:] + small
        x = torch.cat([folded, contrast[:, :-1] / largest, 1.0 - small / largest], dim=1)
        gains = F.pixel_shuffle(self.layers(x), FOLD)
        between = 4.0 * above * (around - above) / around.clamp(min=SMALLEST)
        return (gains * between).sum(dim=1, keepdim=True)[..., :height, :width]

    def layers(self, folded: Tensor) -> Tensor:
        """Return (B,O,h,w) of all channels (B,I,h,w)."""
        x = F.elu(self.conv_in(folded))
        skips = []
        for reduce, block in zip(self.down, self.encoder, strict=True):
            skips.append(x)
            x = block(F.elu(reduce(F.avg_pool2d(x, 2))))
        *finer, coarsest = self.decoder
        x = coarsest(x)
        for skip, narrow, block in zip(reversed(skips), reversed(self.up), reversed(finer), strict=True):
            x = block(skip + _enlarge(narrow(x)))
        return self.conv_out(x)


def variation(disparity: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least value within each reach, and the largest less that: both (B,R,h,w), a pixel for a square."""
    high, low = F.max_pool2d(disparity, FOLD), -F.max_pool2d(-disparity, FOLD)
    highs, lows = [spread(high, reach) for reach in REACHES], [-spread(-low, reach) for reach in REACHES]
    least = torch.cat(lows, dim=1)
    return least, torch.cat(highs, dim=1) - least


def spread(x: Tensor, reach: int) -> Tensor:
    """Return the largest value in the square around each pixel, rows and columns by turns."""
    rows = F.max_pool2d(x, (2 * reach + 1, 1), stride=1, padding=(reach, 0))
    return F.max_pool2d(rows, (1, 2 * reach + 1), stride=1, padding=(0, reach))


def _enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
