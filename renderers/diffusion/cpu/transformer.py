"""diffusers' transformer with one block on the compiled steps of ``transformer_steps``; the attention stays its own."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....core.sharing import share_range
from ...convolution.layouts import channels_first, channels_last
from ...convolution.simd_winograd import LANES
from .group_norm import GroupNorm
from .transformer_steps import BLOCK, After, Before, LayerNorm, Linear, after_attention, before_attention, pack_matrix

if TYPE_CHECKING:
    from ....core.diffusers import Transformer2DModel

SPECIAL = ("attention_mask", "encoder_attention_mask", "cross_attention_kwargs", "class_labels")
"""What only the module's own ``forward`` knows what to do with."""


def fits_transformer(module: "Transformer2DModel") -> bool:
    """Whether ``Transformer`` can stand in: one block, plain linear layers, GEGLU, channels of sixteens."""
    from ....core.diffusers import GEGLU  # here, as importing diffusers takes seconds

    if not module.is_input_continuous or len(module.transformer_blocks) != 1:
        return False
    block = module.transformer_blocks[0]
    plain = block.norm_type == "layer_norm" and block.pos_embed is None and not block.only_cross_attention
    if not plain or block.attn2 is None or not isinstance(block.ff.net[0], GEGLU):
        return False
    own, ff = block.attn1, block.ff.net
    layers = (own.to_q, own.to_k, own.to_v, own.to_out[0], ff[0].proj, ff[2], module.proj_in, module.proj_out)
    if not all(type(layer) in (nn.Linear, nn.Conv2d) for layer in layers):
        return False
    return all(length % LANES == 0 for layer in layers for length in layer.weight.shape[:2])


class Transformer:
    """Into the block, self-attention, the prompt's constant, feed-forward, out of it.

    A prompt of one token: all attend to it alone, so that cross-attention is a constant. Other prompts, and what else
    a caller may want, get the module's own ``forward``.
    """

    def __init__(self, module: "Transformer2DModel"):
        self.own, self.norm = module.forward, GroupNorm(module.norm)
        self.attention, self.cross = module.transformer_blocks[0].attn1, module.transformer_blocks[0].attn2
        block, ff = module.transformer_blocks[0], module.transformer_blocks[0].ff.net
        projections = [_read(layer) for layer in (block.attn1.to_q, block.attn1.to_k, block.attn1.to_v)]
        joined = pack_matrix(*(np.concatenate(parts) for parts in zip(*projections, strict=True)))
        self.before = Before(_pack(module.proj_in), _read_norm(block.norm1), joined)
        rest = (_pack(layer) for layer in (ff[0].proj, ff[2], module.proj_out))
        self.after = After(_pack(block.attn1.to_out[0]), _read_norm(block.norm3), *rest)

    def __call__(self, hidden_states: Tensor, encoder_hidden_states: Tensor, **named: Any) -> Any:
        """Return what the module's ``forward`` returns, for (B,C,H,W) and the prompt's (B,T,width)."""
        special = any(named.get(name) is not None for name in SPECIAL) or named.get("return_dict", True)
        if special or encoder_hidden_states.shape[1] != 1:
            return self.own(hidden_states, encoder_hidden_states, **named)
        x = channels_last(hidden_states)
        rows = x.flatten(1, 2)
        hidden, q, k, v = (torch.empty_like(rows) for _ in range(4))
        for i, picture in enumerate(x):
            arrays = (one[i].numpy() for one in (hidden, q, k, v))
            norm = self.norm.moments(picture.numpy())
            self._share(before_attention, rows[i].numpy(), norm, self.before, *arrays)
        mixed, out = self._attend(q, k, v), torch.empty_like(x)
        constant = self.cross.to_out[0](self.cross.to_v(encoder_hidden_states[:, 0]))
        for i in range(len(x)):
            arrays = (one[i].numpy() for one in (rows, hidden, mixed, constant))
            self._share(after_attention, *arrays, self.after, out[i].flatten(0, 1).numpy())
        return (channels_first(out),)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        heads = (x.unflatten(2, (self.attention.heads, -1)).transpose(1, 2) for x in (q, k, v))
        attend = getattr(self.attention.processor, "attend", F.scaled_dot_product_attention)
        return attend(*heads).transpose(1, 2).flatten(2).contiguous()

    @staticmethod
    def _share(steps: Any, rows: np.ndarray, *arguments: Any) -> None:
        share_range(steps, -(-len(rows) // BLOCK), rows, *arguments)


def _read(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight (O,I) and bias (O,) of a linear layer or a convolution of single pixels."""
    weight: Tensor = layer.weight.detach().flatten(1)  # type: ignore[operator, assignment]
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()  # type: ignore[operator]
    return weight.numpy(), bias.numpy()


def _pack(layer: nn.Module) -> Linear:
    return pack_matrix(*_read(layer))


def _read_norm(norm: nn.LayerNorm) -> LayerNorm:
    return LayerNorm(norm.weight.detach().numpy(), norm.bias.detach().numpy(), np.float32(norm.eps))
