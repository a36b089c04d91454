"""Everything about a scene that the compiled rays need, worked out once for all pairs."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import ray_kernels
from .geometry import TokenGeometry
from .physics import PisaPhysics
from .visibility import fold_seed, source_shifts


class PairWeigher:
    """Computes ln C (Eq. 6) and counts visible rays (Eq. 8) of listed pairs on the CPU."""

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, reach_px: Tensor):
        self._grid = (geometry.height, geometry.width, *map(float, geometry.pitch_px))
        radius_px = geometry.radius_px.to(torch.float64).flatten().numpy()
        self._lens = (physics.slope_per_px, radius_px, reach_px.flatten().numpy())
        self._scene = _describe_scene(geometry, physics, seed)
        mixed, jitter_samples = physics.rays_from == "mixed", physics.jitter == "sample"
        self._rays = (fold_seed(seed), physics.rays, mixed, jitter_samples)

    def weigh(self, lists: Any, log_circle: np.ndarray, visible: np.ndarray) -> None:
        """Fill in ``log_circle`` and ``visible`` (P,), leaving out an empty one; see ``ray_kernels.weigh_pairs``."""
        ray_kernels.weigh_pairs(lists, self._grid, self._lens, self._scene, self._rays, log_circle, visible)


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
