"""The published network that guesses defocus: an encoder of ResNeXt-50 32x4d and four RefineNet blocks.

Source: Defocus to Focus (Luo et al., Information Fusion 2023); the weights have the names of the checkpoints that its
authors publish. The network is MiDaS 2's (Ranftl et al., TPAMI 2022) with one more interpolation in its head.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ...core.torchvision_guard import ensure_torchvision

STAGES = (256, 512, 1024, 2048)
WIDTH = 256
MULTIPLE = 32


class _ResidualUnit(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, plus the input *after* its ReLU: the published program's is in place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        return x + self.conv2(F.relu(self.conv1(x)))


class _RefineBlock(nn.Module):
    """Adds what the encoder knows at a size, and doubles it."""

    def __init__(self) -> None:
        super().__init__()
        self.resConfUnit1, self.resConfUnit2 = _ResidualUnit(), _ResidualUnit()

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        if skip is not None:
            x = x + self.resConfUnit1(skip)
        return F.interpolate(self.resConfUnit2(x), scale_factor=2.0, mode="bilinear", align_corners=True)


class _Twice(nn.Module):
    """Doubles the size; it has no weights, but a place in the sequence that the weights are named by."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class ResNextHallucination(nn.Module):
    """Guesses the normalised defocus (B,1,H,W) of pictures (B,3,H,W) in [0,1], sides multiples of MULTIPLE.

    Not limited to [0,1]: clip it. 41.6 million parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        ensure_torchvision()
        from torchvision.models import resnext50_32x4d  # here: only the authors' weights need it

        body = resnext50_32x4d(weights=None)
        self.pretrained, self.scratch = nn.Module(), nn.Module()
        self.pretrained.layer1 = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool, body.layer1)
        self.pretrained.layer2, self.pretrained.layer3, self.pretrained.layer4 = body.layer2, body.layer3, body.layer4
        for number, channels in enumerate(STAGES, 1):
            setattr(self.scratch, f"layer{number}_rn", nn.Conv2d(channels, WIDTH, kernel_size=3, padding=1, bias=False))
            setattr(self.scratch, f"refinenet{number}", _RefineBlock())
        self.scratch.output_conv = nn.Sequential(
            nn.Conv2d(WIDTH, 128, kernel_size=3, padding=1),
            _Twice(),
            nn.Conv2d(128, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, kernel_size=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the defocus, not clipped."""
        skips, x = [], image
        for number in range(1, len(STAGES) + 1):
            x = getattr(self.pretrained, f"layer{number}")(x)
            skips.append(getattr(self.scratch, f"layer{number}_rn")(x))
        path: Tensor | None = None
        for number in range(len(STAGES), 0, -1):
            block, skip = getattr(self.scratch, f"refinenet{number}"), skips[number - 1]
            path = block(skip, None) if path is None else block(path, skip)
        return getattr(self.scratch, "output_conv")(path)  # noqa: B009 - for the type checker
