"""PISA on any device: tiles of tokens with windows of partners in reach, and batched torch operations over them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import TokenGeometry
from ..physics import PisaPhysics
from ..visibility import visible_share
from . import passes
from .passes import BlockedPairs, PairBlock, Workspace
from .windows import WindowBlock, cut_tiles


class PairTiles:
    """The pairs in reach in rectangles, anchored at keys where PISA normalises over queries, else at queries."""

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, reach_px: Tensor):
        self.by_keys = physics.softmax_over_queries
        tiles = cut_tiles(geometry, reach_px, self.by_keys)
        blocks = [_weigh_block(geometry, physics, seed, block) for block in tiles]
        self.pairs = BlockedPairs(blocks=blocks, physics=physics, workspace=Workspace())

    @property
    def nbytes(self) -> int:
        """Memory of the blocks' pair weights."""
        weights = [x for block in self.pairs.blocks for x in (block.log_circle, block.visible) if x is not None]
        return sum(x.nbytes for x in weights)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bound: Tensor) -> tuple[Tensor, tuple[Tensor]]:
        """Return O (R,heads,d) of Eq. 9 and (the logarithm of every anchor's sum (R,heads),), for rows (R,heads,d).

        ``bound`` is not needed here: every pair is visited.
        """
        attend = passes.forward_by_keys if self.by_keys else passes.forward_by_queries
        output, log_sum = attend(q, k, v, self.pairs)
        return output, (log_sum,)

    def backward(self, q: Tensor, k: Tensor, v: Tensor, dO: Tensor, log_sum: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return dQ, dK, dV (R,heads,d)."""
        differentiate = passes.backward_by_keys if self.by_keys else passes.backward_by_queries
        return differentiate(q, k, v, log_sum, dO, self.pairs)


def _weigh_block(geometry: TokenGeometry, physics: PisaPhysics, seed: int, tiles: WindowBlock) -> PairBlock:
    anchors, windows = tiles.anchors[:, :, None], tiles.windows[:, None, :]
    keys, queries = (anchors, windows) if physics.softmax_over_queries else (windows, anchors)
    log_circle = visible = None
    if physics.coc:
        positions = geometry.positions_px.to(torch.float64).repeat(geometry.batch, 1)
        radius_px = geometry.radius_px.to(torch.float64).flatten()
        distance_px = (positions[queries] - positions[keys]).norm(dim=-1)
        log_circle = F.logsigmoid(physics.slope_per_px * (radius_px[keys] - distance_px)).to(geometry.disparity.dtype)
    if physics.occlusion:
        picture = tiles.anchors[:, 0] // geometry.tokens
        share = visible_share(geometry, physics, seed, picture, queries % geometry.tokens, keys % geometry.tokens)
        visible = (share * physics.rays).round().to(torch.uint8)
    return PairBlock(tiles=tiles, log_circle=log_circle, visible=visible)
