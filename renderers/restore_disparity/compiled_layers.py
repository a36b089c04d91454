"""The network's layers on the compiled convolutions, channels last, its blocks in place."""

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..convolution.compiled_layer import CompiledLayer, use_compiled
from .network import Block, DisparityNetwork


def compile_layers(network: DisparityNetwork) -> None:
    """Let the network's layers run on the CPU's kernels: see ``use_compiled``."""
    use_compiled(network, _Layers(network))


class _Layers:
    """The layers of ``DisparityNetwork.layers``."""

    def __init__(self, network: DisparityNetwork):
        self._first, self._last = CompiledLayer(network.conv_in), CompiledLayer(network.conv_out)
        self._down = [CompiledLayer(convolution) for convolution in network.down]
        self._encoder = [_Block(cast(Block, block)) for block in network.encoder]
        self._decoder = [_Block(cast(Block, block)) for block in network.decoder]
        self._up = [(weight.flatten(1), bias) for weight, bias in (one.state_dict().values() for one in network.up)]

    def __call__(self, folded: Tensor) -> Tensor:
        x = _run(self._first, folded)
        skips = []
        for reduce, block in zip(self._down, self._encoder, strict=True):
            skips.append(x)
            x = block(_run(reduce, _halve(x)))
        *finer, coarsest = self._decoder
        x = coarsest(x)
        for skip, (weight, bias), block in zip(reversed(skips), reversed(self._up), reversed(finer), strict=True):
            height, width, channels = skip.shape
            squares = skip.view(height // 2, 2, width // 2, 2, channels)
            squares += F.linear(x, weight, bias)[:, None, :, None]
            x = block(skip)
        return _run(self._last, x, elu=False)


class _Block:
    """x + ELU(conv(ELU(conv(x)))), written over x."""

    def __init__(self, block: Block):
        self._first, self._second = CompiledLayer(block.first), CompiledLayer(block.second)

    def __call__(self, x: Tensor) -> Tensor:
        picture = x.numpy()
        self._second.run(_run(self._first, x).numpy(), picture, residual=picture)
        return x


def _run(layer: CompiledLayer, x: Tensor, elu: bool = True) -> Tensor:
    out = np.empty((*x.shape[:2], layer.outputs), np.float32)
    layer.run(x.numpy(), out, elu=elu)
    return torch.from_numpy(out)


def _halve(x: Tensor) -> Tensor:
    """Return the means of 2 x 2 pixels of (h,w,C)."""
    return F.avg_pool2d(x.permute(2, 0, 1)[None], 2)[0].permute(1, 2, 0).contiguous()
