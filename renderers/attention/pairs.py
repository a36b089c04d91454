"""Physics-inspired self-attention over the pairs that matter: equal to ``reference.pisa_dense``, forward and backward.

API: ``pisa_fast(q, k, v, plan) -> (B,heads,N,d)`` with ``plan = build_plan(geometry, physics, seed)``, or the sum over
several plans, each with its own v: ``pisa_sum(q, k, ((v, plan), ...))``.

The normaliser of PISA belongs to the key (Eq. 3). So keys stay put: for a tile of keys, one product with the window of
queries in reach gives all that the softmax over queries needs, and the output is added up over windows: one pass, and
no query-key matrix is ever stored. The backward pass is one more such pass: with normalised weights A and visibility M,
dV_k = sum_q A M dO_q, delta_k = <V_k, dV_k>, dS = A (M dO V^T - delta_k), the dual of flash attention's row term.
Where the softmax runs over keys instead (an ablation), queries and keys change places.

On the CPU compiled products visit little more than the pairs that count (``pair_lists``); on other devices batched
products of tiles and windows visit all in reach and more (``pair_tiles``). The former compute in float32, the latter
in float32 at least.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...core.errors import InvalidSceneError
from .geometry import TokenGeometry
from .inputs import check_attention_inputs, fold_shared_batch
from .physics import PisaPhysics
from .plan import PairPlan, build_plan


def pisa_fast(q: Tensor, k: Tensor, v: Tensor, plan: PairPlan) -> Tensor:
    """Return what ``pisa_dense`` returns for the plan's geometry, physics and seed: (B,heads,N,d) of the inputs' type.

    ``q``, ``k``, ``v``: (B,heads,N,d) on the plan's device, best as views of (B,N,heads*d), which saves a copy; so is
    the output. Relative error up to 1e-5 in float32. Widens the plan where the logits ask for more pairs than it holds.
    Differentiable once.

    Raises InvalidSceneError where the tensors and the plan do not match: float64 is for tiles only.
    """
    return pisa_sum(q, k, ((v, plan),))


def pisa_sum(q: Tensor, k: Tensor, parts: Sequence[tuple[Tensor, PairPlan]]) -> Tensor:
    """Return the sum of ``pisa_fast(q, k, v, plan)`` over the parts (v, plan), whose physics and method are one.

    What depends on q and k alone is worked out once. Raises as ``pisa_fast`` does.
    """
    plan = parts[0][1]
    for v, each in parts:
        check_attention_inputs(q, k, v, each.geometry)
    if plan.physics.is_vanilla:
        return F.scaled_dot_product_attention(q, k, torch.stack([v for v, _ in parts]).sum(dim=0))
    if plan.method == "lists" and q.dtype == torch.float64:
        raise InvalidSceneError("q, k, v: expected float32 or less for lists, got float64: build the plan for 'tiles'")
    rows_q, rows_k = _rows(q, plan), _rows(k, plan)
    with torch.no_grad():
        bound = bound_logits(rows_q, rows_k, plan.physics.softmax_over_queries)
    output = _PairAttention.apply(rows_q, rows_k, _rows(parts[0][0], plan), bound, plan)
    for v, each in parts[1:]:
        output = output + _PairAttention.apply(rows_q, rows_k, _rows(v, each), bound, each)
    shape = fold_shared_batch(q, plan.geometry).transpose(1, 2).shape
    return output.view(shape).transpose(1, 2).reshape(q.shape).to(q.dtype)


def compile_attention() -> None:
    """Compile what a forward pass in float32 needs on the CPU, by one over a few tokens."""
    disparity = torch.linspace(0.1, 0.9, 64).reshape(1, 1, 8, 8)
    geometry = TokenGeometry.from_maps(disparity, 8.0 * disparity, (4, 4))
    features = torch.ones(1, 1, geometry.tokens, 16)
    with torch.no_grad():
        pisa_fast(features, features, features, build_plan(geometry, PisaPhysics()))


def _rows(x: Tensor, plan: PairPlan) -> Tensor:
    """Return features (B,heads,N,d) as the kernels take them: (R,heads,d), contiguous."""
    return fold_shared_batch(x, plan.geometry).transpose(1, 2).flatten(0, 1).contiguous()


class _PairAttention(torch.autograd.Function):
    """Attention of rows q, k, v (R,heads,d); ``bound``: their ``bound_logits``."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bound: Tensor, plan: PairPlan) -> Tensor:
        output, sums = plan.pairs.forward(q, k, v, bound)
        while (missing := missing_headroom(bound, sums[0], plan)) > 0.0:
            plan.widen(plan.headroom + missing + 1.0)
            output, sums = plan.pairs.forward(q, k, v, bound)
        ctx.save_for_backward(q, k, v, *sums)
        ctx.plan = plan
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *sums = ctx.saved_tensors
        return (*ctx.plan.pairs.backward(q, k, v, gradients[0].contiguous(), *sums), None, None)


def bound_logits(q: Tensor, k: Tensor, softmax_over_queries: bool) -> Tensor:
    """Return what no logit of an anchor exceeds, (R,heads), for rows q, k (R,heads,d).

    By Cauchy and Schwarz: <a, x> = <a, mean> + <a, x - mean> <= <a, mean> + |a| |x - mean|. The mean keeps the bound
    tight where features share an offset.
    """
    anchors, others = (k, q) if softmax_over_queries else (q, k)
    mean = others.mean(dim=0)
    along_mean = (anchors * mean).sum(dim=-1)
    farthest = (others - mean).norm(dim=-1).amax(dim=0)
    return (along_mean + anchors.norm(dim=-1) * farthest) / math.sqrt(q.shape[-1])


def missing_headroom(bound: Tensor, log_sum: Tensor, plan: PairPlan) -> float:
    """Return by how much the plan's headroom is too small; <= 0 where it suffices.

    ``bound``: (R,heads), the highest logits of ``bound_logits``; ``log_sum``: (R,heads), the logarithm of each anchor's
    sum within its window. Pairs out of reach add less than exp(bound - cut) times the plan's crowd; that must stay
    below e^-LOG_TOLERANCE of the sum. A key that is not present has nothing to send, whatever its sum.
    """
    if plan.is_complete or plan.cut is not None:
        return 0.0
    excess, sends = bound - log_sum, plan.senders
    if sends is not None:
        excess = excess[sends.flatten()]
    return plan.log_crowd + float(excess.max()) - plan.headroom
