"""LaMa's generator, which fills in the background that blur will show: residual blocks that see the whole picture.

A quarter of the channels looks at neighbours, the rest at all of the picture by way of its spectrum.

Source: LaMa (Suvorov et al., WACV 2022), "Resolution-robust Large Mask Inpainting with Fourier Convolutions", in the
size that MPIB's authors publish the weights of (9 blocks).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPAINTING_MULTIPLE = 8
"""The sides of the pictures are multiples of this, in px, and two times it at least."""

BLOCKS = 9
JOINED = 5 + BLOCKS
"""The place where both branches become one, after the first layers and the blocks."""

LOCAL, GLOBAL = 128, 384
"""Channels of the two branches."""

Maps = tuple[Tensor, ...]
"""What looks at neighbours, (B,C,H,W), and, once there is any, what looks at the whole picture."""


class _Spectrum(nn.Module):
    """A 1x1 convolution of the Fourier transform: real and imaginary parts are channels, in turn."""

    def __init__(self, width: int):
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * width, 2 * width, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x.float(), norm="ortho")  # half precision has no transform of all sizes
        parts = torch.view_as_real(spectrum).movedim(-1, 2).flatten(1, 2).to(x.dtype)
        parts = F.relu(self.bn(self.conv_layer(parts))).float().unflatten(1, (-1, 2))
        changed = torch.complex(parts[:, :, 0], parts[:, :, 1])
        return torch.fft.irfft2(changed, s=x.shape[-2:], norm="ortho").to(x.dtype)


class _Global(nn.Module):
    """From the whole picture to the whole picture: at half the width, x + spectrum(x)."""

    def __init__(self, width: int):
        super().__init__()
        half = width // 2
        self.conv1 = nn.Sequential(nn.Conv2d(width, half, kernel_size=1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.fu = _Spectrum(half)
        self.conv2 = nn.Conv2d(half, width, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        return self.conv2(x + self.fu(x))


class _Exchange(nn.Module):
    """Convolutions from either branch to either; ``inputs``, ``outputs``: channels, of the second branch perhaps 0."""

    def __init__(self, inputs: tuple[int, int], outputs: tuple[int, int], kernel_px: int, stride: int):
        super().__init__()
        self.convl2l = _convolution(inputs[0], outputs[0], kernel_px, stride)
        self.convl2g = _convolution(inputs[0], outputs[1], kernel_px, stride) if outputs[1] else None
        if inputs[1]:
            self.convg2l = _convolution(inputs[1], outputs[0], kernel_px, stride)
            self.convg2g = _Global(inputs[1])

    def forward(self, maps: Maps) -> Maps:
        near = self.convl2l(maps[0])
        if self.convl2g is None:
            return (near,)
        far = self.convl2g(maps[0])
        return (near, far) if len(maps) == 1 else (near + self.convg2l(maps[1]), far + self.convg2g(maps[1]))


class _Layer(nn.Module):
    """An exchange, batch normalisation and ReLU of both branches."""

    def __init__(self, inputs: tuple[int, int], outputs: tuple[int, int], kernel_px: int = 3, stride: int = 1):
        super().__init__()
        self.ffc = _Exchange(inputs, outputs, kernel_px, stride)
        self.bn_l = nn.BatchNorm2d(outputs[0])
        self.bn_g = nn.BatchNorm2d(outputs[1]) if outputs[1] else None

    def forward(self, maps: Maps) -> Maps:
        normalisations = (self.bn_l, self.bn_g)
        return tuple(F.relu(bn(x)) for x, bn in zip(self.ffc(maps), normalisations, strict=False) if bn is not None)


class _Residual(nn.Module):
    """Two layers, added to what they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Layer((LOCAL, GLOBAL), (LOCAL, GLOBAL))
        self.conv2 = _Layer((LOCAL, GLOBAL), (LOCAL, GLOBAL))

    def forward(self, maps: Maps) -> Maps:
        return tuple(x + change for x, change in zip(maps, self.conv2(self.conv1(maps)), strict=True))


class InpaintingNetwork(nn.Module):
    """The generator: three halvings, BLOCKS residual blocks, three doublings."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            _Layer((4, 0), (64, 0), kernel_px=7),
            _Layer((64, 0), (128, 0), stride=2),
            _Layer((128, 0), (256, 0), stride=2),
            _Layer((256, 0), (LOCAL, GLOBAL), stride=2),
            *[_Residual() for _ in range(BLOCKS)],
            nn.Identity(),  # where the branches are joined
            *_doubling(512, 256),
            *_doubling(256, 128),
            *_doubling(128, 64),
            nn.ReflectionPad2d(3),
            nn.Conv2d(64, 3, kernel_size=7),
            nn.Sigmoid(),
        )

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """Return a whole picture (B,3,H,W), display-encoded, (0,1).

        ``image``: (B,3,H,W), display-encoded, [0,1]; ``hole``: (B,1,H,W), 1 where it is unknown and is not looked at, 0
        elsewhere. Sides: multiples of INPAINTING_MULTIPLE px, twice that at least.
        """
        layers = list(self.model)
        maps: Maps = (layers[0](torch.cat([image * (1.0 - hole), hole], dim=1)),)
        for layer in layers[1:JOINED]:
            maps = layer(maps)
        picture = torch.cat(maps, dim=1)
        for layer in layers[JOINED:]:
            picture = layer(picture)
        return picture


def _convolution(inputs: int, outputs: int, kernel_px: int, stride: int) -> nn.Conv2d:
    """A convolution that mirrors the border; the first one, of 7 px, gets a picture that was extended before."""
    padding = 1 if kernel_px == 3 else 0
    return nn.Conv2d(inputs, outputs, kernel_px, stride, padding, bias=False, padding_mode="reflect")


def _doubling(inputs: int, outputs: int) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel_size=3, stride=2, padding=1, output_padding=1)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
