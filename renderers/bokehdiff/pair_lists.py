"""PISA on the CPU: a list of partners in reach for each token, and compiled loops over the lists."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import pair_kernels, ray_kernels
from .geometry import TokenGeometry
from .pair_weigher import PairWeigher
from .physics import PisaPhysics


class PairLists:
    """The pairs in reach, listed by anchor: keys where PISA normalises over queries, else queries.

    ``starts`` (R+1,) int64 and ``partners`` (P,) int32: row numbers over all pictures, b * N + token. ``log_circle``
    (P,), of the type of the geometry's disparity, and ``visible`` (P,) uint8, rays of ``physics.rays``, are empty
    where the physics leaves them out.
    """

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, reach_px: Tensor):
        self.by_keys = physics.softmax_over_queries
        grid = (geometry.height, geometry.width, *map(float, geometry.pitch_px))
        reach = reach_px.flatten().numpy()
        counts = np.empty(len(reach), np.int64)
        ray_kernels.count_partners(grid, reach, self.by_keys, counts)
        self.starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.partners = np.empty(self.starts[-1], np.int32)
        ray_kernels.list_partners(grid, reach, self.by_keys, self.starts, self.partners)
        self.longest = int(counts.max())
        self.log_circle = torch.empty(len(self.partners) if physics.coc else 0, dtype=geometry.disparity.dtype).numpy()
        self.visible = np.empty(len(self.partners) if physics.occlusion else 0, np.uint8)
        self.visibility = np.maximum(np.arange(physics.rays + 1) / physics.rays, physics.min_visibility)
        lists = (np.arange(len(reach)), self.starts, self.partners, self.by_keys)
        PairWeigher(geometry, physics, seed, reach_px).weigh(lists, self.log_circle, self.visible)

    @property
    def nbytes(self) -> int:
        """Memory of the lists."""
        return sum(x.nbytes for x in (self.starts, self.partners, self.log_circle, self.visible))

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
        pairs = self.starts, self.partners, self.log_circle, self.visible, visibility
        return *pairs, scale, self.longest, self.by_keys


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(x.numpy() for x in tensors)
