"""``reach`` on any device: which depths each tile's rays can meet, by whole-image operations."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..cpu.reach import BIN_PX, LENS_SAMPLES, SAMPLES_PER_SQUARED_RADIUS, TILE_PX, bin_range


@dataclass(frozen=True, eq=False)
class DeviceRayPlan:
    """``RayPlan`` as tensors on one device: looks (ty,tx,n) float32, counts (ty,tx) and lens_of_tile (ty,tx) int64.

    ``lowest``: lower end of the first of all ``bins``, px.
    """

    looks: Tensor
    counts: Tensor
    lens_of_tile: Tensor
    lowest: float
    bins: int


def plan_on_device(defocus: Tensor, edges: Tensor, samples: int | None = None) -> DeviceRayPlan:
    """Find what the rays of each tile can meet; arguments and result as ``plan_tiles``, bit for bit, as tensors."""
    known = torch.isfinite(defocus)
    farthest, nearest = (float(bound) for bound in defocus[known].aminmax())
    lowest, bins = bin_range(nearest, farthest)
    occupied, has_edge = _summarise(defocus, known, edges, lowest, bins)
    seen, edge_in_sight = _gather(occupied, has_edge, lowest)
    order = bins - 1 - torch.argsort((~seen.flip(2)).byte(), dim=2, stable=True)
    looks, counts = (lowest + BIN_PX * order.double()).float(), seen.sum(dim=2)
    last = looks.gather(2, (counts - 1).clamp(min=0)[..., None])[..., 0]
    radius_px = torch.maximum((looks[..., 0] + BIN_PX).abs(), last.abs())
    needed = torch.full_like(radius_px, samples) if samples else SAMPLES_PER_SQUARED_RADIUS * radius_px**2
    patterns = torch.tensor(LENS_SAMPLES, dtype=torch.float32, device=defocus.device)
    lens_of_tile = torch.searchsorted(patterns, needed).clamp(max=len(LENS_SAMPLES) - 1)
    lens_of_tile[~edge_in_sight] = -1
    return DeviceRayPlan(looks, counts, lens_of_tile, lowest, bins)


def _summarise(defocus: Tensor, known: Tensor, edges: Tensor, lowest: float, bins: int) -> tuple[Tensor, Tensor]:
    """Return the occupancy (ty,tx,bins) bool by either surface, and whether a tile holds an edge (ty,tx)."""
    height, width = edges.shape
    rows, columns = -(-height // TILE_PX), -(-width // TILE_PX)
    tile = torch.arange(height, device=edges.device)[:, None] // TILE_PX * columns
    tile = tile + torch.arange(width, device=edges.device) // TILE_PX
    depth_bin = ((torch.where(known, defocus, lowest).double() - lowest) / BIN_PX).long().clamp(max=bins - 1)
    occupied = torch.zeros(rows * columns * bins, dtype=torch.bool, device=edges.device)
    occupied[(tile[..., None] * bins + depth_bin)[known]] = True
    has_edge = torch.zeros(rows * columns, dtype=torch.bool, device=edges.device)
    has_edge[tile[edges]] = True
    return occupied.view(rows, columns, bins), has_edge.view(rows, columns)


def _gather(occupied: Tensor, has_edge: Tensor, lowest: float) -> tuple[Tensor, Tensor]:
    """Return what can be seen from each tile, bins (ty,tx,bins) bool, and whether an edge is among it (ty,tx)."""
    rows, columns, bins = occupied.shape
    ends = np.abs(lowest + np.arange(bins + 1) * BIN_PX)
    radius = np.maximum(ends[:-1], ends[1:])
    far = int(max(ends[0], ends[-1]) + 2) // TILE_PX + 1
    seen, edge_in_sight = torch.zeros_like(occupied), torch.zeros_like(has_edge)
    for dy in range(-min(far, rows - 1), min(far, rows - 1) + 1):
        for dx in range(-min(far, columns - 1), min(far, columns - 1) + 1):
            gap = math.hypot(max(abs(dy) - 1, 0) * TILE_PX, max(abs(dx) - 1, 0) * TILE_PX) - 2.0
            reaching = torch.from_numpy(radius >= gap).to(occupied.device)
            here = slice(max(0, -dy), rows - max(0, dy)), slice(max(0, -dx), columns - max(0, dx))
            there = slice(max(0, dy), rows + min(0, dy)), slice(max(0, dx), columns + min(0, dx))
            reached = occupied[there] & reaching
            seen[here] |= reached
            edge_in_sight[here] |= reached.any(dim=2) & has_edge[there]
    return seen, edge_in_sight
