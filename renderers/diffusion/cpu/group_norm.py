"""The moments of a group norm, channels last, added up in float64.

PyTorch's own in this layout takes them in float32 and loses precision where the mean is large (0.12 at 300 standard
deviations); ``winograd`` applies them while it reads.
"""

import numpy as np
import torch
from torch import Tensor, nn

from ....core.compiled import compiled
from ....core.sharing import share_range
from ...convolution.layouts import channels_first, channels_last
from ...convolution.winograd import Moments

CHUNK = 1024
"""Pixels whose sums are added up by one thread."""


def find_moments(x: np.ndarray, groups: int, eps: float, weight: np.ndarray, bias: np.ndarray) -> Moments:
    """Return the moments of x (H,W,C); ``weight``, ``bias``: (C,), the norm's own."""
    pixels = x.reshape(-1, x.shape[2])
    sums = np.empty((-(-len(pixels) // CHUNK), 2, x.shape[2]))
    share_range(_add_up, len(sums), pixels, sums)
    mean, square = sums.sum(axis=0).reshape(2, groups, -1).sum(axis=2) / (x.size / groups)
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0) + eps)
    alike = x.shape[2] // groups
    scale = weight / deviation.repeat(alike)
    return Moments(*(one.astype(np.float32) for one in (mean.repeat(alike), scale, bias)))


@compiled
def _add_up(chunks: tuple[int, int], pixels: np.ndarray, sums: np.ndarray) -> None:
    """Write each channel's sum and sum of squares over a chunk of pixels to ``sums`` (chunks,2,C)."""
    for chunk in range(chunks[0], chunks[1]):
        total, square = sums[chunk, 0], sums[chunk, 1]
        total[:] = 0.0
        square[:] = 0.0
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(pixels))):
            for c in range(pixels.shape[1]):
                value = np.float64(pixels[i, c])
                total[c] += value
                square[c] += value * value


class GroupNorm:
    """A group norm of pictures (B,C,H,W); ``moments`` is what convolutions apply by themselves."""

    def __init__(self, norm: nn.GroupNorm):
        self.own, self.groups, self.eps = norm.forward, norm.num_groups, norm.eps
        self.weight, self.bias = (x.detach().double().numpy() for x in (norm.weight, norm.bias))

    def __call__(self, x: Tensor) -> Tensor:
        """Return the norm of x (B,C,H,W); of other shapes, as attention layers have them, the module's own."""
        if x.ndim != 4:
            return self.own(x)
        last = channels_last(x)
        out = torch.empty_like(last)
        for i, picture in enumerate(last):
            mean, scale, shift = map(torch.from_numpy, self.moments(picture.numpy()))
            torch.addcmul(shift, picture - mean, scale, out=out[i])
        return channels_first(out)

    def moments(self, picture: np.ndarray) -> Moments:
        """Return those of a picture (H,W,C)."""
        return find_moments(picture, self.groups, self.eps, self.weight, self.bias)
