"""MPIB's two own networks: MPINet cuts a small picture into planes, AUPNet doubles the size of their opacities.

What all planes see alike, the picture's features, is convolved once; the published program does so for each plane.

Source: MPIB (Peng et al., ECCV 2022), Sec. 3, and the layout of the weights that its authors publish.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..resize import resize
from .lens import PLANES

MPINET_MULTIPLE = 32
"""The sides of MPINet's pictures are multiples of this, in px."""

ENCODER_WIDTHS = (64, 64, 128, 256, 512)
DECODER_WIDTHS = (16, 32, 64, 128, 256)
"""Channels of the features at 1/2 to 1/32 of the size, and of what the decoder makes at 1/1 to 1/16."""

MASK_WIDTH = 16
"""Channels into which the mask of a plane is put."""


class _Convolution(nn.Module):
    """A 3x3 convolution that repeats the border, under the name that the published weights give it."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Block(nn.Module):
    """Convolution, batch normalisation, ELU. Input channels ``at`` to ``at + shared`` are the same for every plane."""

    def __init__(self, own: int, outputs: int, *, shared: int = 0, at: int = 0):
        super().__init__()
        self.conv = _Convolution(own + shared, outputs)
        self.bn = nn.BatchNorm2d(outputs)
        self._shared = slice(at, at + shared)

    def share(self, maps: Tensor) -> Tensor:
        """Return what maps that all planes share, (1,shared,H,W), add to the convolution of each."""
        return _convolve(maps, self._normalised()[0][:, self._shared])

    def forward(self, own: Tensor, share: Tensor | None = None) -> Tensor:
        """Return (S,outputs,H,W) of a plane's own maps, (S,own,H,W), and of ``share`` as the method returns it."""
        weight, bias = self._normalised()
        if share is None:
            return F.elu_(_convolve(own, weight, bias))
        around = torch.cat([weight[:, : self._shared.start], weight[:, self._shared.stop :]], dim=1)
        return F.elu_(_convolve(own, around, bias).add_(share))

    def _normalised(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the convolution and the normalisation after it, which is linear when it renders."""
        weight, bias = self.conv.conv.weight, self.conv.conv.get_parameter("bias")
        mean, variance = self.bn.get_buffer("running_mean"), self.bn.get_buffer("running_var")
        scale = self.bn.weight / torch.sqrt(variance + self.bn.eps)
        return weight * scale[:, None, None, None], (bias - mean) * scale + self.bn.bias


class _Residual(nn.Module):
    """ResNet's basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = _bordered(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _bordered(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        halved = nn.Sequential(_bordered(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.downsample = halved if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        changed = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(changed + (x if self.downsample is None else self.downsample(x)))


class _ResNet(nn.Module):
    """ResNet-18 of four channels that repeats the border; its classifier is in the file and never asked."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _bordered(4, ENCODER_WIDTHS[0], 7, stride=2)
        self.bn1 = nn.BatchNorm2d(ENCODER_WIDTHS[0])
        for level in range(1, 5):
            inputs, outputs = ENCODER_WIDTHS[level - 1 : level + 1]
            first = _Residual(inputs, outputs, stride=1 if level == 1 else 2)
            setattr(self, f"layer{level}", nn.Sequential(first, _Residual(outputs, outputs, stride=1)))
        self.fc = nn.Linear(ENCODER_WIDTHS[-1], 1000)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features at 1/2 to 1/32 of the size."""
        features = [F.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(features[0], kernel_size=3, stride=2, padding=1)
        for level in range(1, 5):
            x = self.get_submodule(f"layer{level}")(x)
            features.append(x)
        return features


class _Encoder(nn.Module):
    """The ResNet under the name that the published weights give it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _ResNet()

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.encoder(x)


class _Decoder(nn.Module):
    """From features and the mask of a plane to two maps of the full size, both in (0,1)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedder = _Block(1, MASK_WIDTH)
        self.convs = nn.ModuleDict()
        self.convs[_name("upconv", 4, 0)] = _Block(MASK_WIDTH, DECODER_WIDTHS[4], shared=ENCODER_WIDTHS[4])
        for level in range(1, 5):
            finer, width = DECODER_WIDTHS[level - 1 : level + 1]
            seen = ENCODER_WIDTHS[level - 1]
            self.convs[_name("upconv", level, 1)] = _Block(width + MASK_WIDTH, width, shared=seen, at=width)
            self.convs[_name("upconv", level - 1, 0)] = _Block(width, finer)
        self.convs[_name("upconv", 0, 1)] = _Block(DECODER_WIDTHS[0], DECODER_WIDTHS[0])
        self.convs[_name("dispconv", 0)] = _Convolution(DECODER_WIDTHS[0], 2)

    def forward(self, features: list[Tensor], masks: Tensor) -> Tensor:
        """Return (S,2,H,W) of the features of one picture and S masks (S,1,H,W)."""
        coarsest = self._block(4, 0).share(features[-1])
        shares = [self._block(level, 1).share(features[level - 1]) for level in range(1, 5)]
        return torch.cat([self._decode(coarsest, shares, mask) for mask in masks.split(1)])

    def _decode(self, coarsest: Tensor, shares: list[Tensor], mask: Tensor) -> Tensor:
        embedded = self.embedder(mask)
        x = self._block(4, 0)(resize(embedded, coarsest.shape[-2:]), coarsest)
        for level in reversed(range(1, 5)):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            own = torch.cat([x, resize(embedded, x.shape[-2:])], dim=1)
            x = self._block(level, 1)(own, shares[level - 1])
            x = self._block(level - 1, 0)(x)
        x = self._block(0, 1)(F.interpolate(x, scale_factor=2, mode="nearest"))
        return torch.sigmoid(self.convs[_name("dispconv", 0)](x))

    def _block(self, level: int, half: int) -> _Block:
        return cast(_Block, self.convs[_name("upconv", level, half)])


class MPINet(nn.Module):
    """For each plane, how much of it lies in the hidden background, and how opaque it is."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _Encoder()
        self.decoder = _Decoder()
        self.gaussian = nn.Conv2d(1, 1, kernel_size=5, bias=False)  # in the file, and never asked

    def forward(self, image: Tensor, disparity: Tensor) -> tuple[Tensor, Tensor, list[int]]:
        """Return shares of the background and opacities, both (N,1,H,W), (0,1), and which of the N each plane has.

        ``image``: (1,3,H,W), display-encoded, [0,1]; ``disparity``: (1,1,H,W), [0,1]; sides multiples of
        MPINET_MULTIPLE. A plane sees the mask of its slice of disparity, both ends included. Those without pixels, of
        which there are many where a scene is made of layers, have the same maps, which are made once.
        """
        ends = torch.arange(PLANES + 1, device=disparity.device, dtype=disparity.dtype).view(-1, 1, 1, 1) / PLANES
        masks = ((ends[:-1] <= disparity) & (disparity <= ends[1:])).to(image.dtype)
        filled = [plane for plane, some in enumerate(masks.flatten(1).any(dim=1).tolist()) if some]
        empty = [plane for plane in range(PLANES) if plane not in filled]
        maps = self.decoder(self.encoder(_join(image, disparity.to(image.dtype))), masks[filled + empty[:1]])
        return (
            maps[:, :1],
            maps[:, 1:],
            [len(filled) if plane in empty else filled.index(plane) for plane in range(PLANES)],
        )


class AUPNet(nn.Module):
    """The alpha-upsampling network: opacities at twice their size, along the edges of picture and disparity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_image = nn.Sequential(_Block(4, 16), _Block(16, 16))
        self.conv_alpha = _Block(1, 16)
        self.upsample = nn.Sequential(_Block(16, 32, shared=16), _Block(32, 32))
        self.conv_output = nn.Sequential(_Block(32, 32, shared=16, at=32), _Block(32, 16), _Convolution(16, 1))

    def share(self, image: Tensor, disparity: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a picture (1,3,H,W), [0,1], and disparity (1,1,H,W), [0,1], of even sides add for each plane."""
        features = self.conv_image(_join(image, disparity))
        half_size, full_size = cast(_Block, self.upsample[0]), cast(_Block, self.conv_output[0])
        return half_size.share(F.max_pool2d(features, 2)), full_size.share(features)

    def forward(self, alphas: Tensor, shares: tuple[Tensor, Tensor]) -> Tensor:
        """Return opacities (S,1,H,W), (0,1), from those of half the size and what ``share`` returned."""
        x = self.upsample[1](self.upsample[0](self.conv_alpha(alphas), shares[0]))
        x = self.conv_output[0](resize(x, shares[1].shape[-2:]), shares[1])
        return torch.sigmoid(self.conv_output[2](self.conv_output[1](x)))


def _join(image: Tensor, disparity: Tensor) -> Tensor:
    """Return four channels: the picture as ImageNet's networks see it, and disparity."""
    mean, deviation = image.new_tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    return torch.cat([(image - mean) / deviation, disparity], dim=1)


def _convolve(maps: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.conv2d(F.pad(maps, (1, 1, 1, 1), mode="replicate"), weight, bias)


def _bordered(inputs: int, outputs: int, kernel_px: int, stride: int = 1) -> nn.Sequential:
    """A convolution behind a layer that repeats the border, as the names of the published weights ask."""
    convolution = nn.Conv2d(inputs, outputs, kernel_px, stride, bias=False)
    return nn.Sequential(nn.ReplicationPad2d(kernel_px // 2), convolution)


def _name(*key: str | int) -> str:
    """Return what the published weights call a layer: the characters of its key with hyphens between."""
    return "-".join(str(key))
