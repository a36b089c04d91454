"""A network's 3 x 3 convolutions on the compiled kernels, with the ELU and the residual of a block on their way out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .simd_winograd import LANES
from .winograd import NO_NORM, NO_RESIDUAL, convolve, pack_weights


class CompiledLayer:
    """A convolution whose weights are float32, and final; inputs are filled up with zeros to whole vectors."""

    def __init__(self, convolution: nn.Module):
        weight, bias = convolution.state_dict().values()
        self.outputs, inputs = weight.shape[:2]
        filled = F.pad(weight, (0, 0, 0, 0, 0, -inputs % LANES))
        self._weights, self._bias = pack_weights(filled.numpy()), bias.numpy()

    def run(self, x: np.ndarray, out: np.ndarray, residual: np.ndarray = NO_RESIDUAL, elu: bool = True) -> None:
        """Write the convolution of x (H,W,I), its ELU where asked, plus ``residual``, to ``out`` (H,W,O)."""
        convolve(x, self._weights, self._bias, out, NO_NORM, False, residual, elu)


def use_compiled(network: Any, layers: Callable[[Tensor], Tensor]) -> None:
    """Let ``layers`` compute what a module's method ``layers`` does of (B,I,h,w), wherever no gradient is wanted.

    ``layers``: from a picture (h,w,I) float32, filled up with zeros to whole vectors, to (h,w,O). The network's weights
    are float32, and final; what it holds and how it is named stays.
    """
    own: Callable[[Tensor], Tensor] = network.layers

    def compute(folded: Tensor) -> Tensor:
        """Return (B,O,h,w) of ``folded`` (B,I,h,w)."""
        if torch.is_grad_enabled():
            return own(folded)
        filled = F.pad(folded.permute(0, 2, 3, 1), (0, -folded.shape[1] % LANES)).contiguous()
        return torch.stack([layers(picture).permute(2, 0, 1) for picture in filled])

    network.layers = compute
