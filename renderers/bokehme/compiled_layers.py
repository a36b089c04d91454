"""BokehMe's networks on the compiled convolutions: ELU and residual on a block's way out of the cache."""

import numpy as np
import torch
from torch import Tensor

from ..convolution.compiled_layer import CompiledLayer, use_compiled
from .networks import FoldedNetwork


def compile_layers(network: FoldedNetwork) -> None:
    """Let a network's layers run on the CPU's kernels: see ``use_compiled``."""
    use_compiled(network, _Layers(network))


class _Layers:
    """The layers of ``FoldedNetwork.layers``, in two pictures of the network's width that are written by turns."""

    def __init__(self, network: FoldedNetwork):
        self._first = CompiledLayer(network.conv0)
        self._blocks = [[CompiledLayer(one) for one in block.children()] for block in network.block_stack.blocks]
        self._last = CompiledLayer(network.conv1)

    def __call__(self, folded: Tensor) -> Tensor:
        size = folded.shape[:2]
        x, hidden = (np.empty((*size, self._first.outputs), np.float32) for _ in range(2))
        self._first.run(folded.numpy(), x)
        for first, second in self._blocks:
            first.run(x, hidden)
            second.run(hidden, x, residual=x)
        out = np.empty((*size, self._last.outputs), np.float32)
        self._last.run(x, out, elu=False)
        return torch.from_numpy(out)
