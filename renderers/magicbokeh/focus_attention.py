"""Focus-aware masked attention: what is in focus and what is not attend to themselves, never to each other.

Source: MagicBokeh (CVPR 2026), in two forms. With h the normed tokens, W the weights of the restoration branch and
B A the low-rank changes of the bokeh branch:

- ``code``, as released: the attention itself stays unmasked, O1 = softmax(Q K^T / sqrt(d)) V with Q = W_q h and so on;
  a side branch is masked, O2 = softmax(Q' K'^T / sqrt(d) + M) V' with Q' = Q + B_q A_q h and so on; the layer adds
  W_o O1 + B_o A_o O2. B starts at zero, and with it the side branch.
- ``paper``: the attention itself is masked, and the layer adds W_o O2 + B_o A_o O2.

M is 0 between tokens of one kind; between kinds it is -100 in the released code and minus infinity in the paper, which
float32 cannot tell apart. A mask of one kind alone masks nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Plain self-attention over the pixels of a feature map, part of the restoration branch."""

    def __init__(self, channels: int, heads: int, groups: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.query, self.key, self.value = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)


class LowRank(nn.Module):
    """The bokeh branch's changes B A to the four matrices of an attention. B starts at zero."""

    def __init__(self, channels: int, rank: int):
        super().__init__()
        self.down = nn.ModuleDict({name: nn.Linear(channels, rank, bias=False) for name in ("q", "k", "v", "o")})
        self.up = nn.ModuleDict({name: nn.Linear(rank, channels, bias=False) for name in ("q", "k", "v", "o")})
        for weight in self.up.parameters():
            nn.init.zeros_(weight)

    def change(self, name: str, x: Tensor) -> Tensor:
        """Return B A x for the matrix of that name: q, k, v or o."""
        return self.up[name](self.down[name](x))


def attend(x: Tensor, attention: SelfAttention, side: LowRank, in_focus: Tensor | None, form: str) -> Tensor:
    """Return x (B,C,h,w) after the layer, what it adds included.

    ``in_focus``: (B,h*w) bool, None for no mask; ``form``: in ``settings.ATTENTIONS``, ``unmasked`` being ``code``
    without a mask.
    """
    tokens = attention.norm(x).flatten(2).transpose(1, 2)
    q, k, v = attention.query(tokens), attention.key(tokens), attention.value(tokens)
    changed = [plain + side.change(name, tokens) for name, plain in (("q", q), ("k", k), ("v", v))]
    if in_focus is None or form == "unmasked":
        masked = _softmax(attention.heads, *changed)
    else:
        masked = _softmax_by_kind(attention.heads, *changed, in_focus=in_focus)
    plain = masked if form == "paper" else _softmax(attention.heads, q, k, v)
    added = attention.out(plain) + side.change("o", masked)
    return x + added.transpose(1, 2).unflatten(2, x.shape[-2:])


def _softmax(heads: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return softmax(q k^T / sqrt(d)) v for tokens (B,N,C)."""
    q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _softmax_by_kind(heads: int, q: Tensor, k: Tensor, v: Tensor, *, in_focus: Tensor) -> Tensor:
    """Return the same under M: each sample's tokens of a kind by themselves, not the pairs that M rules out."""
    out = torch.empty_like(v)
    for sample, sharp in enumerate(in_focus):
        for kind in (sharp, ~sharp):
            places = kind.nonzero()[:, 0]
            if len(places):
                chosen = (x[sample, places][None] for x in (q, k, v))
                out[sample, places] = _softmax(heads, *chosen)[0]
    return out


def focus_tokens(defocus: Tensor, in_focus: float, side_px: int, form: str) -> Tensor:
    """Return which tokens are in focus, (B,h*w) bool, from the defocus |D| (B,1,H,W) in units of R.

    Under ``paper`` a token is in focus where most of its ``side_px`` x ``side_px`` px are; otherwise where its first
    pixel is, as the released code reduces its mask.
    """
    sharp = (defocus <= in_focus).float()
    reduced = F.avg_pool2d(sharp, side_px) if form == "paper" else sharp[..., ::side_px, ::side_px]
    return (reduced > 0.5).flatten(1)


def block_pattern(in_focus: Tensor) -> Tensor:
    """Return M of the source, (B,N,N): 0 within a kind, minus infinity between kinds; the definition, for tests."""
    return torch.zeros(()).where(in_focus[:, :, None] == in_focus[:, None, :], float("-inf"))
