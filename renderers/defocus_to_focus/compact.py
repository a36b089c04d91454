"""The compact network that guesses defocus: this project's own, small enough to be trained on a CPU."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .weight_files import SEEN_PX

WIDTHS = (24, 40, 72, 112, 144)
"""Channels at 1/2, 1/4, 1/8, 1/16, 1/32 of the size."""

DEPTHS = (1, 1, 2, 2, 2)
"""Residual blocks of the encoder there; the decoder has one at each size."""

GROUPS = 8
MULTIPLE = 32


class _Block(nn.Module):
    """x + conv(act(norm(conv(act(norm(x))))))."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, width), nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class _Everywhere(nn.Module):
    """Tells every place what the whole picture holds: its mean features, through two linear layers."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        whole = self.second(F.silu(self.first(x.mean(dim=(2, 3)))))
        return x + whole[..., None, None]


class CompactHallucination(nn.Module):
    """Guesses the normalised defocus (B,1,H,W) in (0,1) of pictures (B,3,H,W), whose sides are multiples of MULTIPLE.

    Beside the colours it is given where in the picture each pixel lies: people focus on what is in the middle.
    ``seen_px``: shorter side of the pictures that it is trained for, see ``parts.guess_compactly``.
    """

    def __init__(self, seen_px: int = SEEN_PX) -> None:
        super().__init__()
        self.seen_px = seen_px
        self.stem = nn.Conv2d(5, WIDTHS[0], kernel_size=5, stride=2, padding=2)
        self.encoder = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth))) for width, depth in zip(WIDTHS, DEPTHS, strict=True)
        )
        pairs = list(pairwise(WIDTHS))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, kernel_size=2, stride=2) for fine, coarse in pairs)
        self.whole = _Everywhere(WIDTHS[-1])
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, kernel_size=1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(_Block(width) for width in WIDTHS[:-1])
        self.detail = nn.Conv2d(WIDTHS[0] + 3, 16, kernel_size=3, padding=1)
        self.head = nn.Conv2d(16, 1, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the defocus."""
        return torch.sigmoid(self.logits(image))

    def logits(self, image: Tensor) -> Tensor:
        """Return the defocus before the sigmoid."""
        x = self.stem(torch.cat([image - 0.5, _places(image)], dim=1))
        skips = []
        for level, blocks in enumerate(self.encoder):
            x = blocks(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        x = self.whole(x)
        for level in reversed(range(len(self.up))):
            x = F.interpolate(self.up[level](x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.decoder[level](x + skips[level])
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.head(F.silu(self.detail(torch.cat([x, image], dim=1))))


def _places(image: Tensor) -> Tensor:
    """Return how far down and right of the middle each pixel lies, (B,2,H,W) in [-1,1]."""
    count, _, height, width = image.shape
    down = torch.linspace(-1.0, 1.0, height, device=image.device, dtype=image.dtype)[:, None].expand(height, width)
    right = torch.linspace(-1.0, 1.0, width, device=image.device, dtype=image.dtype).expand(height, width)
    return torch.stack([down, right]).expand(count, -1, -1, -1)
