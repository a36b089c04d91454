"""A network's 3 x 3 convolution on the compiled kernels, with the ELU and the residual of a block on its way out."""

import numpy as np
import torch.nn.functional as F
from torch import nn

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
