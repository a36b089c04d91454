"""What every implementation of PISA asks of its queries, keys and values."""

import torch
from torch import Tensor

from ...core.errors import InvalidSceneError
from .geometry import TokenGeometry


def check_attention_inputs(q: Tensor, k: Tensor, v: Tensor, geometry: TokenGeometry) -> None:
    """Raise InvalidSceneError unless q, k, v are (B,heads,N,d) of one type and the geometry fits."""
    if q.ndim != 4 or q.shape != k.shape or q.shape != v.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (q, k, v))
        raise InvalidSceneError(f"q, k, v: expected one shape (B, heads, N, d), got {shapes}: PISA is self-attention")
    if not q.dtype == k.dtype == v.dtype or not q.is_floating_point():
        raise InvalidSceneError(f"q, k, v: expected one floating type, got {q.dtype}, {k.dtype}, {v.dtype}")
    if q.shape[2] != geometry.tokens:
        grid = f"{geometry.height} x {geometry.width}"
        raise InvalidSceneError(
            f"q, k, v: expected {geometry.tokens} tokens for a grid of {grid}, got {q.shape[2]}: "
            "build the geometry for this layer"
        )
    if geometry.batch not in (1, q.shape[0]):
        raise InvalidSceneError(f"geometry: expected batch 1 or {q.shape[0]}, got {geometry.batch}")


def fold_shared_batch(x: Tensor, geometry: TokenGeometry) -> Tensor:
    """Return x (B,heads,N,d) in float32 at least; where the batch shares one scene as (1,B*heads,N,d)."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return x if x.shape[0] == geometry.batch else x.reshape(1, -1, *x.shape[2:])
