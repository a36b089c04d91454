"""Blocks of diffusers' networks, compiled for rendering on the CPU: residual, transformer, group norm, convolution.

API: ``compile_blocks(network)`` once its weights are final. The modules stay, and so do their weights and names; their
``forward`` is another, which takes the module's own wherever gradients are wanted (``_replace_forward``, nowhere else).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...convolution.layouts import channels_first, channels_last
from ...convolution.simd_winograd import LANES
from ...convolution.winograd import NO_NORM, NO_RESIDUAL, convolve, pack_weights
from .group_norm import GroupNorm
from .transformer import Transformer, fits_transformer

if TYPE_CHECKING:
    from ....core.diffusers import ResnetBlock2D

MOST_WEIGHTS = 100_000_000
"""Larger networks are left alone: the transformed weights of a convolution take four times the memory of its own."""


def compile_blocks(network: nn.Module) -> None:
    """Let every block that the kernels can compute run on them: channels of sixteens, weights in float32 on the CPU.

    Must come after everything that changes weights, LoRA included.
    """
    if sum(weight.numel() for weight in network.parameters()) <= MOST_WEIGHTS:
        _compile_below(network)


def _compile_below(module: nn.Module) -> None:
    fast = _compile(module)
    if fast is not None:
        _replace_forward(module, fast)
        return
    for child in module.children():
        _compile_below(child)


def _compile(module: nn.Module) -> Callable[..., Any] | None:
    """Return what computes a module's output, None where no kernel does."""
    from ....core.diffusers import ResnetBlock2D, Transformer2DModel  # here, as importing diffusers takes seconds

    if isinstance(module, ResnetBlock2D):
        return _ResidualBlock(module) if _fits_block(module) else None
    if isinstance(module, Transformer2DModel):
        return Transformer(module) if fits_transformer(module) else None
    if isinstance(module, nn.Conv2d):
        return _Convolution(module) if _fits(module) else None
    return GroupNorm(module) if isinstance(module, nn.GroupNorm) and module.affine else None


def _replace_forward(module: nn.Module, fast: Callable[..., Any]) -> None:
    """Call ``fast`` in place of the module's forward, but where gradients are wanted."""
    own = module.forward

    def forward(*inputs: Any, **named: Any) -> Any:
        return (own if torch.is_grad_enabled() else fast)(*inputs, **named)

    module.forward = forward  # type: ignore[method-assign]


def _fits(convolution: nn.Conv2d) -> bool:
    plain = type(convolution) is nn.Conv2d and convolution.kernel_size == (3, 3) and convolution.stride == (1, 1)
    around = convolution.padding == (1, 1) and convolution.padding_mode == "zeros"
    dense = convolution.groups == 1 and convolution.dilation == (1, 1)
    whole = convolution.in_channels % LANES == 0 and convolution.out_channels % LANES == 0
    return plain and around and dense and whole


def _fits_block(block: "ResnetBlock2D") -> bool:
    plain = block.upsample is None and block.downsample is None and block.output_scale_factor == 1.0
    timed = block.time_embedding_norm == "default" and not block.skip_time_act
    usual = timed or (block.time_emb_proj is None and block.time_embedding_norm == "group")
    shortcut = block.conv_shortcut is None or type(block.conv_shortcut) is nn.Conv2d
    layers = shortcut and isinstance(block.nonlinearity, nn.SiLU) and _fits(block.conv1) and _fits(block.conv2)
    return plain and usual and layers


class _Convolution:
    """A convolution, after a group norm and SiLU where asked."""

    def __init__(self, convolution: nn.Conv2d):
        self.weights = pack_weights(convolution.weight.detach().numpy())
        self.channels = convolution.out_channels
        bias = convolution.bias
        self.bias = torch.zeros(self.channels) if bias is None else bias.detach()

    def __call__(self, x: Tensor) -> Tensor:
        """Return the convolution (B,O,H,W) of x (B,I,H,W), by itself."""
        return channels_first(self.run(channels_last(x)))

    def run(
        self,
        x: Tensor,
        norm: GroupNorm | None = None,
        added: Tensor | None = None,
        residual: Tensor | None = None,
    ) -> Tensor:
        """Return the convolution (B,H,W,O) of SiLU(norm(x)), or of x (B,H,W,I) itself without a norm.

        ``added`` (B,O) and ``residual`` (B,H,W,O) are added to it.
        """
        out = x.new_empty(*x.shape[:3], self.channels)
        for i, picture in enumerate(x.numpy()):
            bias = self.bias if added is None else self.bias + added[i]
            moments = NO_NORM if norm is None else norm.moments(picture)
            other = NO_RESIDUAL if residual is None else residual[i].numpy()
            convolve(picture, self.weights, bias.numpy(), out[i].numpy(), moments, norm is not None, other)
        return out


class _ResidualBlock:
    """Norm, SiLU, convolution, twice, and what came in is added."""

    def __init__(self, block: "ResnetBlock2D"):
        self.block = block
        self.norms = GroupNorm(block.norm1), GroupNorm(block.norm2)
        self.convolutions = _Convolution(block.conv1), _Convolution(block.conv2)

    def __call__(self, x: Tensor, temb: Tensor | None = None) -> Tensor:
        block = self.block
        last = channels_last(x)
        added = None if temb is None or block.time_emb_proj is None else block.time_emb_proj(F.silu(temb))
        hidden = self.convolutions[0].run(last, self.norms[0], added=added)
        if block.conv_shortcut is not None:
            last = F.linear(last, block.conv_shortcut.weight.flatten(1), block.conv_shortcut.bias)
        return channels_first(self.convolutions[1].run(hidden, self.norms[1], residual=last))
