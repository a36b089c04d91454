"""Physics-inspired self-attention as the paper writes it, all pairs at once: the truth that the fast path is held to.

API: ``pisa_dense(q, k, v, geometry, physics, seed=0) -> (B,heads,N,d)``. Plain torch, autograd, float64 if asked.
Memory grows with B * heads * N^2; ``pairs.pisa_fast(q, k, v, plan)`` with ``plan.build_plan(geometry,
physics, seed=0)`` computes the same in a fraction of it.

Source: BokehDiff (ICCV 2025), Eq. 2-9. Two misprints are read as meant: C_sk in the denominator of Eq. 5, and
|P_q - P_k| in Eq. 6.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import TokenGeometry
from .inputs import check_attention_inputs, fold_shared_batch
from .physics import PisaPhysics
from .visibility import visibility_dense


def pisa_dense(q: Tensor, k: Tensor, v: Tensor, geometry: TokenGeometry, physics: PisaPhysics, seed: int = 0) -> Tensor:
    """Return O_q = sum_k A_qk M_qk V_k (Eq. 9): (B,heads,N,d) of the inputs' type.

    ``q``, ``k``, ``v``: (B,heads,N,d), any floating type; half precision is computed in float32. A geometry of batch 1
    serves every picture of the batch. The geometry and the visibility carry no gradient. ``seed`` draws the jitter of
    rays.

    Raises InvalidSceneError where the tensors and the geometry do not match.
    """
    check_attention_inputs(q, k, v, geometry)
    if physics.is_vanilla:
        return F.scaled_dot_product_attention(q, k, v)
    Q, K, V = (fold_shared_batch(x, geometry) for x in (q, k, v))
    log_circle = log_circle_dense(geometry, physics).to(Q.dtype) if physics.coc else None
    visibility = visibility_dense(geometry, physics, seed).to(Q.dtype) if physics.occlusion else None
    return attend_dense(Q, K, V, log_circle, visibility, physics.softmax_over_queries).reshape(q.shape).to(q.dtype)


def attend_dense(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    log_circle: Tensor | None,
    visibility: Tensor | None,
    softmax_over_queries: bool = True,
) -> Tensor:
    """Return Eq. 9 for given ln C and M, (B,Nq,Nk) each or None for all-equal: (B,heads,N,d)."""
    S = Q @ K.transpose(-1, -2) / math.sqrt(Q.shape[-1])
    if log_circle is not None:
        S = S + log_circle[:, None]
    A = torch.softmax(S, dim=-2 if softmax_over_queries else -1)
    if visibility is not None:
        A = A * visibility[:, None]
    return A @ V


@torch.no_grad()
def log_circle_dense(geometry: TokenGeometry, physics: PisaPhysics) -> Tensor:
    """Return ln C of Eq. 6 for every pair: (B,Nq,Nk) float64, <= 0, rows are queries.

    C = sigmoid(slope * (r_k - |P_q - P_k|)). The logarithm joins the logits before the softmax: exp(S) C underflows to
    0/0 where a query with C near 0 has the largest logit.
    """
    positions = geometry.positions_px.to(torch.float64)
    distance_px = (positions[:, None] - positions[None]).norm(dim=-1)
    return F.logsigmoid(physics.slope_per_px * (geometry.radius_px.to(torch.float64)[:, None] - distance_px))
