"""BokehMe's two networks: residual convolutions at half the resolution, with space folded into channels.

Source: BokehMe (Peng et al., CVPR 2022), Sec. 3.3, and the layout of the weights that its authors publish.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..resize import resize

FOLD = 2
"""Side of the squares of pixels whose values become channels."""

BLOCKS = 3
PICTURE_AND_DEFOCUS = 4
SMALLEST_PX = 2


class _Convolution(nn.Module):
    """A convolution under the name that the published weights give it."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Blocks(nn.Module):
    """Residual blocks x + ELU(conv(ELU(conv(x))))."""

    def __init__(self, width: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleList([_Convolution(width, width), _Convolution(width, width)]) for _ in range(BLOCKS)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            first, second = block.children()
            x = x + F.elu(second(F.elu(first(x))))
        return x


class FoldedNetwork(nn.Module):
    """Fold 2x2 pixels into channels, convolve at that size, unfold. Odd sides are resized to even ones and back.

    ``extra``: channels that are given at half the size; ``outputs``: channels of the result.
    """

    def __init__(self, width: int, extra: int, outputs: int):
        super().__init__()
        self.conv0 = _Convolution(PICTURE_AND_DEFOCUS * FOLD**2 + extra, width)
        self.block_stack = _Blocks(width)
        self.conv1 = _Convolution(width, outputs * FOLD**2)

    def fold(self, image: Tensor, defocus: Tensor) -> Tensor:
        """Return picture (B,3,H,W) and defocus (B,1,H,W) as (B,16,ceil(H/2),ceil(W/2))."""
        maps = torch.cat([image, defocus], dim=1)
        even = [side + side % FOLD for side in maps.shape[-2:]]
        return F.pixel_unshuffle(resize(maps, even), FOLD)

    def convolve(self, folded: Tensor, size: Sequence[int]) -> Tensor:
        """Return (B,outputs,*size) of all channels at half the size."""
        return resize(F.pixel_shuffle(self.layers(folded), FOLD), size)

    def layers(self, folded: Tensor) -> Tensor:
        """Return (B,4 outputs,h,w) of all channels (B,I,h,w)."""
        return self.conv1(self.block_stack(F.elu(self.conv0(folded))))


class ARNet(FoldedNetwork):
    """The adaptive-resizing network: the whole blur of a picture whose radii are at most 10 px, and where it counts."""

    def __init__(self) -> None:
        super().__init__(width=128, extra=1, outputs=4)

    def forward(self, image: Tensor, defocus: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        """Return the blurred picture (B,3,H,W), raw, and the error map (B,1,H,W), (0,1): 1 where the other is wrong.

        ``image``: (B,3,H,W), display-encoded; ``defocus``: (B,1,H,W), signed, in units of 10 px; ``gamma``: the display
        transfer's, mapped to (gamma - 1) / 4.
        """
        folded = self.fold(image, defocus)
        output = self.convolve(torch.cat([folded, _plane(folded, gamma)], dim=1), image.shape[-2:])
        return output[:, :3], torch.sigmoid(output[:, 3:])


class IUNet(FoldedNetwork):
    """The iterative-upsampling network: a blurred picture of half the size, sharpened by what the full size shows."""

    def __init__(self) -> None:
        super().__init__(width=64, extra=3 + 1, outputs=3)

    def forward(self, image: Tensor, defocus: Tensor, coarse: Tensor, gamma: float) -> Tensor:
        """Return the blurred picture (B,3,H,W), raw.

        ``image``, ``defocus``, ``gamma``: as ARNet's, defocus clipped to [-1,1]; ``coarse``: (B,3,h,w), blurred,
        resized to half of H and W where it has another size.
        """
        folded = self.fold(image, defocus)
        if coarse.shape[-2:] != folded.shape[-2:]:
            coarse = F.interpolate(coarse, folded.shape[-2:], mode="bilinear", align_corners=False)
        return self.convolve(torch.cat([folded, coarse, _plane(folded, gamma)], dim=1), image.shape[-2:])


def _plane(folded: Tensor, gamma: float) -> Tensor:
    return torch.full_like(folded[:, :1], (gamma - 1.0) / 4.0)
