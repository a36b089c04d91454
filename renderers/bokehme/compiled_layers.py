"""BokehMe's networks on the compiled convolutions: ELU and residual on a block's way out of the cache."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..convolution.simd_winograd import LANES
from ..convolution.winograd import NO_NORM, NO_RESIDUAL, convolve, pack_weights
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
        self._first = _Convolution(network.conv0)
        self._blocks = [[_Convolution(one) for one in block.children()] for block in network.block_stack.blocks]
        self._last = _Convolution(network.conv1)

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


class _Convolution:
    """A convolution; inputs are filled up with zeros to whole vectors."""

    def __init__(self, convolution: nn.Module):
        weight, bias = convolution.state_dict().values()
        self.outputs, inputs = weight.shape[:2]
        filled = F.pad(weight, (0, 0, 0, 0, 0, -inputs % LANES))
        self._weights, self._bias = pack_weights(filled.numpy()), bias.numpy()

    def run(self, x: np.ndarray, out: np.ndarray, residual: np.ndarray = NO_RESIDUAL, elu: bool = True) -> None:
        """Write the convolution of x (H,W,I), its ELU where asked, plus ``residual``, to ``out`` (H,W,O)."""
        convolve(x, self._weights, self._bias, out, NO_NORM, False, residual, elu)
