"""What all PISA layers and heads of one forward pass share: tiles, windows, circles of confusion and visibility.

API: ``plan = build_plan(geometry, physics, seed=0)`` once per forward pass and token grid, then
``fast.pisa_fast(q, k, v, plan)`` in every layer. A plan belongs to one thread.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import pair_kernels
from .geometry import TokenGeometry
from .physics import PisaPhysics
from .tiles import TileBlock, cut_tiles
from .visibility import fold_seed, source_shifts, visible_share

LOG_TOLERANCE = 13.0
"""Pairs out of reach may weigh e^-13 = 2e-6 of their anchor's sum, all together."""

HEADROOM = 18.0
"""First guess of how much larger the weight of pairs out of reach could be for their logits and their number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairBlock:
    """A block of tiles with its pair weights.

    ``log_circle`` (T,n,m), <= 0, and ``visible`` (T,n,m) uint8, rays of
    ``physics.rays``; None where the physics leaves them out.
    """

    tiles: TileBlock
    log_circle: Tensor | None
    visible: Tensor | None


class PisaPlan:
    """The blocks of pairs that PISA visits, on the geometry's device; ln C is kept in the type of its disparity.

    ``headroom``: pairs are kept as far as ln C >= -(LOG_TOLERANCE + headroom). The attention checks for the logits it
    meets that this is enough, and calls ``widen`` where not; pass the last plan's headroom to the next to save that.
    """

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, headroom: float):
        self.geometry = geometry
        self.physics = physics
        self.seed = seed
        self.workspace = Workspace()
        self.widen(headroom)

    def widen(self, headroom: float) -> None:
        """Rebuild the blocks for another headroom."""
        self.headroom = headroom
        self.blocks: list[PairBlock] = []
        if self.physics.is_vanilla:
            return
        tiles = cut_tiles(self.geometry, self._reach_px(), self.physics.softmax_over_queries)
        weigh = _weigh_pairs_cpu if self.geometry.device.type == "cpu" else _weigh_pairs_device
        self.blocks = weigh(self, tiles)

    @property
    def cut(self) -> float:
        """Pairs with ln C below -cut are out of reach."""
        return LOG_TOLERANCE + self.headroom

    @property
    def is_complete(self) -> bool:
        """Whether no pair is out of reach."""
        pitch_y, pitch_x = self.geometry.pitch_px
        diagonal_px = math.hypot(self.geometry.height * pitch_y, self.geometry.width * pitch_x)
        return bool((self._reach_px() >= diagonal_px).all())

    def _reach_px(self) -> Tensor:
        radius_px = self.geometry.radius_px.to(torch.float64)
        if not self.physics.coc:
            return torch.full_like(radius_px, math.inf)
        return radius_px + self.cut / self.physics.slope_per_px


class Workspace:
    """Buffers that are reused from call to call: fresh large tensors cost more, in page faults, than the arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """Return a tensor of that shape, of the type and device of ``like``, with whatever it held before."""
        size, key = math.prod(shape), (name, like.dtype)
        if key not in self._buffers or self._buffers[key].numel() < size:
            self._buffers[key] = like.new_empty(size)
        return self._buffers[key][:size].view(shape)


@torch.no_grad()
def build_plan(geometry: TokenGeometry, physics: PisaPhysics, seed: int = 0, headroom: float = HEADROOM) -> PisaPlan:
    """Work out everything about pairs of tokens that does not depend on the features.

    ``seed`` draws the jitter of rays as ``visibility_dense`` does. Memory is 5 bytes per pair in reach (float32).
    """
    return PisaPlan(geometry, physics, seed, headroom)


def _weigh_pairs_cpu(plan: PisaPlan, tiles: list[TileBlock]) -> list[PairBlock]:
    geometry, physics = plan.geometry, plan.physics
    ray_map = geometry.ray_map.to(torch.float64).numpy()
    scene = (
        geometry.width,
        geometry.disparity.to(torch.float64).numpy(),
        ray_map,
        ray_map.max(axis=(1, 2)),
        source_shifts(geometry, physics, plan.seed).numpy(),
    )
    mixed, jitter_samples = physics.rays_from == "mixed", physics.jitter == "sample"
    rays = (fold_seed(plan.seed), physics.rays, np.array(physics.ray_weights), mixed, jitter_samples)
    radius_px = geometry.radius_px.to(torch.float64).flatten().numpy()
    lens = (physics.slope_per_px, *map(float, geometry.pitch_px), radius_px)
    blocks = []
    for block in tiles:
        shape = (*block.anchors.shape, block.windows.shape[1])
        log_circle = torch.empty(shape if physics.coc else (0, 0, 0), dtype=geometry.disparity.dtype)
        visible = torch.empty(shape if physics.occlusion else (0, 0, 0), dtype=torch.uint8)
        rows = (block.anchors.numpy(), block.windows.numpy(), physics.softmax_over_queries)
        grid = (geometry.tokens, geometry.width)
        pair_kernels.fill_pairs(rows, grid, lens, scene, rays, plan.cut, log_circle.numpy(), visible.numpy())
        blocks.append(_pair_block(block, physics, log_circle, visible))
    return blocks


def _weigh_pairs_device(plan: PisaPlan, tiles: list[TileBlock]) -> list[PairBlock]:
    """Do the same in torch operations, for devices without the compiled kernels."""
    geometry, physics = plan.geometry, plan.physics
    positions = geometry.positions_px.to(torch.float64).repeat(geometry.batch, 1)
    radius_px = geometry.radius_px.to(torch.float64).flatten()
    blocks = []
    for block in tiles:
        anchors, windows = block.anchors[:, :, None], block.windows[:, None, :]
        keys, queries = (anchors, windows) if physics.softmax_over_queries else (windows, anchors)
        log_circle = visible = torch.empty(0)
        if physics.coc:
            distance_px = (positions[queries] - positions[keys]).norm(dim=-1)
            log_circle = F.logsigmoid(physics.slope_per_px * (radius_px[keys] - distance_px)).to(
                geometry.disparity.dtype
            )
        if physics.occlusion:
            picture = block.anchors[:, 0] // geometry.tokens
            share = visible_share(
                geometry, physics, plan.seed, picture, queries % geometry.tokens, keys % geometry.tokens
            )
            visible = (share * physics.rays).round().to(torch.uint8)
        blocks.append(_pair_block(block, physics, log_circle, visible))
    return blocks


def _pair_block(tiles: TileBlock, physics: PisaPhysics, log_circle: Tensor, visible: Tensor) -> PairBlock:
    return PairBlock(
        tiles=tiles, log_circle=log_circle if physics.coc else None, visible=visible if physics.occlusion else None
    )
