"""The layered rendering by direct depthwise convolutions: the definition, which benchmark and tests compare with."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...renderers.defocus_to_focus.layering import Layering
from ...renderers.mirror import mirror


def paint_directly(values: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return ``values`` (B,C,H,W) as the layers show them; arguments and result as ``layered.paint_layers``.

    In float32, or in float64 where the values are.
    """
    painted = torch.zeros_like(values)
    for layer in layering.layers:
        mask = layering.mask(layer, defocus)
        shown = torch.cat([mask, mask * values], dim=1)
        kernel = torch.from_numpy(layering.kernel_of(layer.index)).to(values)
        channels = shown.shape[1]
        padded = mirror(shown, len(kernel) // 2)
        shown = F.conv2d(padded, kernel.expand(channels, 1, *kernel.shape), groups=channels)
        painted = painted * (1.0 - shown[:, :1]) + shown[:, 1:]
    return painted
