"""PISA on the CPU: lists of partners in reach, four anchors to a list, and compiled loops over the lists."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import pair_kernels, ray_kernels
from .geometry import TokenGeometry
from .physics import PisaPhysics
from .visibility import fold_seed, source_shifts

TEAM = 4
"""Anchors that share a list: their loads of a partner's features."""


class PairLists:
    """The pairs in reach, listed by anchor: keys where PISA normalises over queries, else queries.

    Four neighbours in a row of the grid form a team, ``teams`` (G,4) with ``sizes`` (G,) 1 to 4; the list of a team
    holds every partner in reach of one of them, ``starts`` (G+1,) and ``partners`` (P,) int32. Row numbers count the
    tokens of all pictures, b * N + token. ``log_circle`` (4,P), of the type of the geometry's disparity, and
    ``visible`` (4,P) uint8, rays of ``physics.rays``, are (4,0) where the physics leaves them out.
    """

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, reach_px: Tensor):
        self.by_keys = physics.softmax_over_queries
        self.teams, self.sizes = _form_teams(geometry)
        grid = (geometry.height, geometry.width, *map(float, geometry.pitch_px))
        reach = reach_px.flatten().numpy()
        counts = np.empty(len(self.teams), np.int64)
        ray_kernels.count_partners(grid, self.teams, reach, self.by_keys, counts)
        self.longest = int(counts.max())
        self.starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.partners = np.empty(self.starts[-1], np.int32)
        ray_kernels.list_partners(grid, self.teams, reach, self.by_keys, self.starts, self.partners)
        pairs = len(self.partners)
        dtype = geometry.disparity.new_empty(0).cpu().numpy().dtype
        self.log_circle = np.empty((TEAM, pairs if physics.coc else 0), dtype)
        self.visible = np.empty((TEAM, pairs if physics.occlusion else 0), np.uint8)
        self.visibility = np.maximum(np.arange(physics.rays + 1) / physics.rays, physics.min_visibility)
        lists = (self.teams, self.starts, self.partners, self.by_keys)
        lens = (physics.slope_per_px, geometry.radius_px.to(torch.float64).flatten().numpy(), reach)
        scene, rays = _describe_scene(geometry, physics, seed), _describe_rays(physics, seed)
        ray_kernels.weigh_pairs(lists, grid, lens, scene, rays, self.log_circle, self.visible)

    @property
    def nbytes(self) -> int:
        """Memory of the lists."""
        return sum(
            x.nbytes for x in (self.teams, self.sizes, self.starts, self.partners, self.log_circle, self.visible)
        )

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return O (R,heads,d) of Eq. 9 and the logarithm of every anchor's sum (R,heads), for rows (R,heads,d)."""
        output, log_sum = torch.zeros_like(q), q.new_empty(q.shape[:2])
        anchors, others = (k, q) if self.by_keys else (q, k)
        features = _arrays(anchors, others, v)
        pair_kernels.attend(self._lists(q), features, output.numpy(), log_sum.numpy())
        return output, log_sum

    def backward(self, q: Tensor, k: Tensor, v: Tensor, log_sum: Tensor, dO: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return dQ, dK, dV (R,heads,d)."""
        dQ, dK, dV = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        anchors, others, of_anchors, of_others = (k, q, v, dO) if self.by_keys else (q, k, dO, v)
        features = _arrays(anchors, others, of_anchors, of_others)
        gradients = _arrays(*((dK, dQ, dV) if self.by_keys else (dQ, dK, dV)))
        pair_kernels.attend_backward(self._lists(q), features, log_sum.numpy(), gradients)
        return dQ, dK, dV

    def _lists(self, like: Tensor) -> Any:
        """Return the lists as the kernels take them: numbers in the features' type, or the loops turn into float64."""
        scale = like.new_tensor(1.0 / math.sqrt(like.shape[-1])).numpy()[()]
        visibility = self.visibility.astype(scale.dtype)
        pairs = self.partners, self.log_circle, self.visible, visibility
        return self.teams, self.sizes, self.starts, *pairs, scale, self.longest, self.by_keys


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(x.numpy() for x in tensors)


def _form_teams(geometry: TokenGeometry) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of each team (G,4), the last repeated where there are fewer, and the sizes (G,)."""
    first = np.arange(0, geometry.width, TEAM)
    columns = np.minimum(first[:, None] + np.arange(TEAM), geometry.width - 1)
    grid_rows = np.arange(geometry.batch * geometry.height)
    teams = grid_rows[:, None, None] * geometry.width + columns
    sizes = np.minimum(geometry.width - first, TEAM)
    return teams.reshape(-1, TEAM), np.tile(sizes, len(grid_rows))


def _describe_scene(geometry: TokenGeometry, physics: PisaPhysics, seed: int) -> Any:
    disparity = geometry.disparity.to(torch.float64).numpy()
    weights = np.array(physics.ray_weights)
    thresholds = weights * disparity[..., None] + (1.0 - weights)
    surfaces = geometry.ray_map.to(torch.float64).contiguous().numpy()
    padded = np.pad(surfaces, ((0, 0), (1, 1), (1, 1)))
    rows = np.maximum(padded[:, 1:], padded[:, :-1])
    highest = np.maximum(rows[:, :, 1:], rows[:, :, :-1])
    shifts = source_shifts(geometry, physics, seed).numpy()
    return disparity / (1.0 - disparity), thresholds, surfaces, highest, shifts


def _describe_rays(physics: PisaPhysics, seed: int) -> Any:
    return fold_seed(seed), physics.rays, physics.rays_from == "mixed", physics.jitter == "sample"
