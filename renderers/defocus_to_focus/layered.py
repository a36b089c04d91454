"""The weighted layered rendering: a picture blurred by its defocus, layer by layer, each pixel with a weight.

``render_weighted`` is the renderer. Where gradients are asked for, and on other devices than the CPU, layers are
blurred by Fourier transforms in PyTorch; else by compiled kernels (``cpu``). Both do what direct convolutions do, which
tests and the benchmark compare them with (``benchmarks/kernels/direct_layers.py``).

Source: Defocus to Focus (Luo et al., Information Fusion 2023), in the form of the authors' published program.
"""

from functools import lru_cache

import torch
from torch import Tensor

from ..mirror import mirror
from .cpu import paint_layers as cpu
from .layering import Layering

NOTHING = 1e-10
"""Added to the weights that are divided by, as in the published program."""


def render_weighted(image: Tensor, weight: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return the blurred picture (B,3,H,W): Render(I W, D) / Render(W, D). Differentiable in all three.

    ``image``: (B,3,H,W) in [0,1], display-encoded, as the paper blurs it; ``weight``: (B,1,H,W) or (B,3,H,W), > 0, what
    a pixel counts beside its neighbours, of each channel; ``defocus``: (B,1,H,W), clipped to the layers' range: from 0
    (where the layering is signed, negative behind the plane in focus) to ``Layering.most``.

    The normalisers of numerator and denominator are the same, and cancel.
    """
    painted = paint_layers(torch.cat([image * weight, weight], dim=1), _clipped(defocus, layering), layering)
    return painted[:, :3] / (painted[:, 3:] + NOTHING)


def render_layers(image: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return the picture with every pixel alike: R / (R of ones)."""
    return render_weighted(image, torch.ones_like(defocus), defocus, layering)


def paint_layers(values: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Return ``values`` (B,C,H,W) as the layers show them, painted one over the other, premultiplied: the paper's R.

    In the layering's order, with the layer's mask m and its disc k: R <- R (1 - k*m) + k*(m values). Borders are
    mirrored. ``defocus``: (B,1,H,W), within the layers' range.
    """
    with_gradients = torch.is_grad_enabled() and (values.requires_grad or defocus.requires_grad)
    if values.device.type == "cpu" and not with_gradients:
        pairs = zip(values, defocus, strict=True)
        return torch.stack([cpu.paint_layers(one, depth[0], layering) for one, depth in pairs])
    return paint_by_transforms(values, defocus, layering)


def paint_by_transforms(values: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
    """Do the same in PyTorch's operations, on any device."""
    painted = torch.zeros_like(values)
    for layer in layering.layers:
        mask = layering.mask(layer, defocus)
        shown = torch.cat([mask, mask * values], dim=1)
        if layer.index:
            shown = _blur(shown, layering, layer.index)
        painted = painted * (1.0 - shown[:, :1]) + shown[:, 1:]
    return painted


def _clipped(defocus: Tensor, layering: Layering) -> Tensor:
    return defocus.clamp(-layering.most if layering.order == "signed" else 0.0, layering.most)


def _blur(maps: Tensor, layering: Layering, index: int) -> Tensor:
    """Convolve each map (B,C,H,W) with a layer's disc."""
    height, width = maps.shape[-2:]
    reach = len(layering.kernel_of(index)) // 2
    padded = mirror(maps, reach)
    size = (padded.shape[-2], padded.shape[-1])
    spectrum = torch.fft.rfft2(padded) * _spectrum(layering, index, size).to(maps.device)
    return torch.fft.irfft2(spectrum, size)[..., 2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]


@lru_cache(maxsize=64)
def _spectrum(layering: Layering, index: int, size: tuple[int, int]) -> Tensor:
    return torch.fft.rfft2(torch.from_numpy(layering.kernel_of(index)), size)
