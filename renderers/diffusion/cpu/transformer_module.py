"""diffusers' transformer block of the compact model on the compiled steps of ``transformer``."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....core.sharing import share_range
from .group_norm import GroupNorm
from .layouts import channels_first, channels_last
from .simd_winograd import LANES
from .transformer import BLOCK, After, Before, LayerNorm, Linear, after_attention, before_attention, pack_matrix

if TYPE_CHECKING:
    from ....core.diffusers import Transformer2DModel


def fits_transformer(module: "Transformer2DModel") -> bool:
    """Whether ``Transformer`` can stand in for a module: one block, plain linear layers, GEGLU, channels of sixteens."""
    from diffusers.models.activations import GEGLU
    blocks = module.transformer_blocks
    if not module.is_input_continuous or len(blocks) != 1:
        return False
    block = blocks[0]
    if block.norm_type != "layer_norm" or block.pos_embed is not None or block.attn2 is None or block.only_cross_attention:
        return False
    if not isinstance(block.ff.net[0], GEGLU):
        return False
    own, ff = block.attn1, block.ff.net
    layers = (own.to_q, own.to_k, own.to_v, own.to_out[0], ff[0].proj, ff[2], module.proj_in, module.proj_out)
    plain = all(type(layer) in (nn.Linear, nn.Conv2d) for layer in layers)
    return plain and all(layer.weight.shape[0] % LANES == 0 and layer.weight.shape[1] % LANES == 0 for layer in layers)


class Transformer:
    """A transformer with one block: into it, self-attention, the prompt's constant, feed-forward, out of it."""

    def __init__(self, module: "Transformer2DModel"):
        self.own = module.forward
        self.block = module.transformer_blocks[0]
        attention, ff = self.block.attn1, self.block.ff.net
        self.norm = GroupNorm(module.norm)
        projections = (attention.to_q, attention.to_k, attention.to_v)
        weights = torch.cat([layer.weight.detach() for layer in projections])
        biases = torch.cat([torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias.detach() for layer in projections])
        joined = pack_matrix(weights.numpy(), biases.numpy())
        self.before = Before(_pack(module.proj_in), _norm(self.block.norm1), joined)
        layers = (ff[0].proj, ff[2], module.proj_out)
        self.after = After(_pack(attention.to_out[0]), _norm(self.block.norm3), *map(_pack, layers))

    def __call__(self, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **named: Any) -> Any:
        prompt = encoder_hidden_states
        others = any(named.get(name) is not None for name in ("attention_mask", "encoder_attention_mask", "cross_attention_kwargs"))
        if prompt is None or prompt.shape[1] != 1 or others or named.get("return_dict", True):
            return self.own(hidden_states, encoder_hidden_states, **named)
        x = channels_last(hidden_states)
        out = torch.empty_like(x)
        q, k, v, hidden = (torch.empty(x.shape[0], x.shape[1] * x.shape[2], x.shape[3]) for _ in range(4))
        for i, picture in enumerate(x):
            arrays = [one[i].numpy() for one in (hidden, q, k, v)]
            rows = picture.flatten(0, 1).numpy()
            share_range(before_attention, -(-len(rows) // BLOCK), rows, *self.norm.moments(picture.numpy()), self.before, *arrays)
        heads = self.block.attn1.heads
        attend = getattr(self.block.attn1.processor, "attend", F.scaled_dot_product_attention)
        mixed = attend(*(one.unflatten(2, (heads, -1)).transpose(1, 2) for one in (q, k, v))).transpose(1, 2).flatten(2)
        cross = self.block.attn2
        constant = cross.to_out[0](cross.to_v(prompt[:, 0]))  # the softmax over a single key is 1
        for i, picture in enumerate(x):
            rows, result = picture.flatten(0, 1).numpy(), out[i].flatten(0, 1).numpy()
            share_range(after_attention, -(-len(rows) // BLOCK), rows, hidden[i].numpy(), mixed[i].contiguous().numpy(), constant[i].numpy(), self.after, result)
        return (channels_first(out),)


def _pack(layer: nn.Module) -> Linear:
    bias = None if layer.bias is None else layer.bias.detach().numpy()
    return pack_matrix(layer.weight.detach().flatten(1).numpy(), bias)


def _norm(norm: nn.LayerNorm) -> LayerNorm:
    return LayerNorm(norm.weight.detach().numpy(), norm.bias.detach().numpy(), np.float32(norm.eps))
