"""Self-occlusion (Eq. 7-8): the share of a key's light that nothing nearer blocks on its way to a query.

API: ``visibility_dense(geometry, physics, seed=0) -> (B,Nq,Nk)`` for all pairs, ``visible_share(...)`` for any.

From a source s towards a query q, the ray's points have the disparities dt = t d_s + (1 - t) between the source and the
lens (disparity 1), and are seen in the picture at P = (1-dt) d_s / ((1-d_s) dt) * (P_s - P_q) + P_q. The ray is blocked
where the surface seen at P is nearer: disparity(P) > dt. Outside the picture nothing blocks.

Source: BokehDiff (ICCV 2025), Eq. 7-9. The paper averages over "Gaussian sources around P_k" without a width;
``PisaPhysics`` states it. Visibility carries no gradient.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import TokenGeometry
from .physics import PisaPhysics

AXIS_Y, AXIS_X = 0, 1


@torch.no_grad()
def visibility_dense(
    geometry: TokenGeometry, physics: PisaPhysics, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Return M of Eq. 8 for every pair: (B,Nq,Nk) in [min_visibility,1], rows are queries, columns keys.

    ``seed`` draws the jitter; the same seed gives the same values in the fast path. ``dtype`` is what the rays are
    computed in: with float32, pairs whose ray just grazes a surface may differ from the fast path's float64.
    """
    token = torch.arange(geometry.tokens, device=geometry.device)
    batch = torch.arange(geometry.batch, device=geometry.device)
    return visible_share(geometry, physics, seed, batch, token[None, :, None], token[None, None, :], dtype)


def visible_share(
    geometry: TokenGeometry,
    physics: PisaPhysics,
    seed: int,
    batch: Tensor,
    query: Tensor,
    key: Tensor,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return the visible share of ``key`` from ``query`` for blocks of pairs: (T,P,R) in [min_visibility,1].

    ``batch``: (T,) int64, the picture of each block; ``query`` and ``key``: int64 token numbers that broadcast to
    (T,P,R).
    """
    picture = batch.reshape(-1, 1, 1)
    d_q = geometry.disparity.to(dtype)[picture, query]
    d_s = geometry.disparity.to(dtype)[picture, key]
    surface = geometry.ray_map.to(dtype)[batch, None]
    shifts = source_shifts(geometry, physics, seed).to(dtype)
    visible = torch.zeros(torch.broadcast_shapes(d_q.shape, d_s.shape), dtype=torch.int16, device=d_s.device)
    for ray in range(physics.rays):
        blocked = torch.zeros_like(visible, dtype=torch.bool)
        source_y, source_x = (_place(geometry, key, axis) + shifts[picture, key, ray, axis] for axis in (0, 1))
        for segment, t in enumerate(physics.ray_weights):
            threshold = t * d_s + (1.0 - t)
            dt = threshold if physics.rays_from == "source" else t * d_q + (1.0 - t)
            share = (1.0 - dt) * d_s / ((1.0 - d_s) * dt)
            y = share * (source_y - _place(geometry, query, AXIS_Y)) + _place(geometry, query, AXIS_Y)
            x = share * (source_x - _place(geometry, query, AXIS_X)) + _place(geometry, query, AXIS_X)
            if physics.jitter == "sample" and ray > 0:
                y = y + uniform_jitter(seed, picture, query, key, ray, segment, AXIS_Y).to(dtype)
                x = x + uniform_jitter(seed, picture, query, key, ray, segment, AXIS_X).to(dtype)
            blocked |= _look_up(surface, y / geometry.height, x / geometry.width) > threshold
        visible += ~blocked
    return (visible.to(dtype) / physics.rays).clamp(min=physics.min_visibility)


def source_shifts(geometry: TokenGeometry, physics: PisaPhysics, seed: int) -> Tensor:
    """Draw how far each ray's start lies from its token's centre: (B,N,rays,2) float64 as y, x in tokens.

    Zero for the first ray, and for all where it is the samples that are jittered. Drawn on the CPU, so that every
    device sees the same.
    """
    shape = (geometry.batch, geometry.tokens, physics.rays, 2)
    if physics.jitter != "source" or physics.rays == 1:
        return torch.zeros(shape, dtype=torch.float64, device=geometry.device)
    shifts = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    shifts[:, :, 0] = 0.0
    return (physics.jitter_tokens * shifts).to(geometry.device)


def uniform_jitter(seed: int, picture: Tensor, query: Tensor, key: Tensor, ray: int, segment: int, axis: int) -> Tensor:
    """Return a uniform number in [-1/2,1/2) for every sample of every ray, float64.

    A hash of the sample's numbers instead of a random stream: any subset of pairs, in any order, gets the same values.
    """
    h = mix(torch.full_like(query, fold_seed(seed)), picture)
    for number in (query, key, ray, 2 * segment + axis):
        h = mix(h, number)
    return h.to(torch.float64) * 2.0**-32 - 0.5


def fold_seed(seed: int) -> int:
    """Fold any integer seed into 32 bits."""
    return (seed ^ (seed >> 32)) & 0xFFFFFFFF


def mix(h: Any, number: Any) -> Any:
    """Return a 32-bit hash of the hash ``h`` and ``number``: of ints, or of int64 tensors.

    Two rounds of multiply and shift, constants by C. Wellons (github.com/skeeto/hash-prospector).
    """
    h = (h ^ number) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return h ^ (h >> 16)


def _place(geometry: TokenGeometry, token: Tensor, axis: int) -> Tensor:
    """Return the centre of tokens along an axis, in tokens from the picture's edge, float64."""
    index = token // geometry.width if axis == AXIS_Y else token % geometry.width
    return index.to(torch.float64) + 0.5


def _look_up(surface: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read the maps (T,1,h,w) bilinearly at y, x (T,P,R), fractions of the picture's size; 0 outside."""
    places = torch.stack([2.0 * x - 1.0, 2.0 * y - 1.0], dim=-1).to(surface.dtype)
    return F.grid_sample(surface, places, mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]
