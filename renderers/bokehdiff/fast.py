"""Physics-inspired self-attention over the pairs that matter: equal to ``dense.pisa_dense``, forward and backward.

API: ``pisa_fast(q, k, v, plan) -> (B,heads,N,d)`` with ``plan = build_plan(geometry, physics, seed)``.

The normaliser of PISA belongs to the key (Eq. 3). So keys stay put: for a tile of keys, one product with the window of
queries in reach gives all that the softmax over queries needs, and the output is added up over windows: one pass, and
no query-key matrix is ever stored. The backward pass is one more such pass: with normalised weights A and visibility M,
dV_k = sum_q A M dO_q, delta_k = <V_k, dV_k>, dS = A (M dO V^T - delta_k), the dual of flash attention's row term.
Where the softmax runs over keys instead (an ablation), queries and keys change places.

On the CPU compiled loops visit little more than the pairs in reach (``pair_lists``); on other devices batched products
of tiles and windows visit a few times as many (``pair_tiles``). Both compute in float32 at least.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .attention_inputs import check_attention_inputs, fold_shared_batch
from .plan import PisaPlan


def pisa_fast(q: Tensor, k: Tensor, v: Tensor, plan: PisaPlan) -> Tensor:
    """Return what ``pisa_dense`` returns for the plan's geometry, physics and seed: (B,heads,N,d) of the inputs' type.

    ``q``, ``k``, ``v``: (B,heads,N,d) on the plan's device, best as views of (B,N,heads*d), which saves a copy; so is
    the output. Relative error up to 1e-5 in float32. Widens the plan where the logits ask for more pairs than it holds.
    Differentiable once.

    Raises InvalidSceneError where the tensors and the plan do not match.
    """
    check_attention_inputs(q, k, v, plan.geometry)
    if plan.physics.is_vanilla:
        return F.scaled_dot_product_attention(q, k, v)
    folded = [fold_shared_batch(x, plan.geometry).transpose(1, 2) for x in (q, k, v)]
    output = _PairAttention.apply(*(x.flatten(0, 1).contiguous() for x in folded), plan)
    return output.view(folded[0].shape).transpose(1, 2).reshape(q.shape).to(q.dtype)


class _PairAttention(torch.autograd.Function):
    """Attention of rows q, k, v (R,heads,d)."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, plan: PisaPlan) -> Tensor:
        output, log_sum = plan.pairs.forward(q, k, v)
        while (missing := missing_headroom(q, k, log_sum, plan)) > 0.0:
            plan.widen(plan.headroom + missing + 1.0)
            output, log_sum = plan.pairs.forward(q, k, v)
        ctx.save_for_backward(q, k, v, log_sum)
        ctx.plan = plan
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (*ctx.plan.pairs.backward(*ctx.saved_tensors, gradients[0].contiguous()), None)


def missing_headroom(q: Tensor, k: Tensor, log_sum: Tensor, plan: PisaPlan) -> float:
    """Return by how much the plan's headroom is too small for rows q, k (R,heads,d); <= 0 where it suffices.

    ``log_sum``: (R,heads), the logarithm of each anchor's sum within its window. Each of up to N pairs out of reach
    adds less than exp(bound - cut), by Cauchy and Schwarz with logits <a, mean> + <a, x - mean> <= <a, mean> + |a| |x
    - mean|; together they must stay below e^-LOG_TOLERANCE of the sum. The mean keeps the bound tight where features
      share an
    offset.
    """
    if plan.is_complete or plan.cut is not None:
        return 0.0
    anchors, others = (k, q) if plan.physics.softmax_over_queries else (q, k)
    mean = others.mean(dim=0)
    along_mean = (anchors * mean).sum(dim=-1)
    farthest = (others - mean).norm(dim=-1).amax(dim=0)
    bound = (along_mean + anchors.norm(dim=-1) * farthest) / math.sqrt(q.shape[-1])
    return math.log(plan.geometry.tokens) + float((bound - log_sum).max()) - plan.headroom
