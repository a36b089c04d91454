"""BokehMe's networks on the compiled convolutions: ELU and residual on a block's way out of the cache."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..convolution.compiled_layer import CompiledLayer
from ..convolution.simd_winograd import LANES
from .networks import FoldedNetwork


def compile_layers(network: FoldedNetwork) -> None:
    """Let a network's layers run on the CPU's kernels wherever no gradient is wanted; weights float32, and final.

    What they hold and how they are named stays.
    """
    own, fast = network.layers, _Layers(network)

    def layers(folded: Tensor) -> Tensor:
        return (own if torch.is_grad_enabled() else fast)(folded)

    network.layers = layers  # type: ignore[method-assign]


class _Layers:
    """The layers of ``FoldedNetwork.layers``, in two pictures of the network's width that are written by turns."""

    def __init__(self, network: FoldedNetwork):
        self._first = CompiledLayer(network.conv0)
        self._blocks = [[CompiledLayer(one) for one in block.children()] for block in network.block_stack.blocks]
        self._last = CompiledLayer(network.conv1)

    def __call__(self, folded: Tensor) -> Tensor:
        """Return (B,O,h,w) of ``folded`` (B,I,h,w)."""
        return torch.stack([self._convolve(picture) for picture in folded])

    def _convolve(self, folded: Tensor) -> Tensor:
        size = folded.shape[-2:]
        given = F.pad(folded.permute(1, 2, 0), (0, -len(folded) % LANES)).contiguous().numpy()
        x, hidden = (np.empty((*size, self._first.outputs), np.float32) for _ in range(2))
        self._first.run(given, x)
        for first, second in self._blocks:
            first.run(x, hidden)
            second.run(hidden, x, residual=x)
        out = np.empty((*size, self._last.outputs), np.float32)
        self._last.run(x, out, elu=False)
        return torch.from_numpy(out).permute(2, 0, 1)
