"""The four passes over blocks of tiles: forward and backward, normalised over queries (Eq. 3) or over keys.

Features are rows: q, k, v of shape (R,heads,d) contiguous, R = B * N the tokens of all pictures. Each pass loops over
the plan's blocks, and within a block over as many heads at a time as fill the cache; one step is a few batched
products.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..physics import PisaPhysics
from .windows import BLOCK_PAIRS, WindowBlock


@dataclass(frozen=True, kw_only=True, eq=False)
class PairBlock:
    """A block of tiles with its pair weights.

    ``log_circle`` (T,n,m), <= 0, and ``visible`` (T,n,m) uint8, rays of ``physics.rays``; None where the physics leaves
    them out.
    """

    tiles: WindowBlock
    log_circle: Tensor | None
    visible: Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockedPairs:
    """All blocks of a plan, and the buffers that the passes work in."""

    blocks: list[PairBlock]
    physics: PisaPhysics
    workspace: "Workspace"


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


class _Step:
    """One block of tiles for G of the heads: P = G * T batched problems of n anchors and m window tokens."""

    def __init__(self, pairs: BlockedPairs, block: PairBlock, visible: Tensor | None, head_numbers: Tensor, heads: int):
        tiles = block.tiles
        self.pairs, self.block, self.visible = pairs, block, visible
        self.anchor_count, self.window_count = tiles.anchors.shape[1], tiles.windows.shape[1]
        self.groups = len(head_numbers)
        entries = tiles.windows.numel() * torch.arange(self.groups, device=head_numbers.device)[:, None]
        self.anchors = (tiles.anchors.flatten() * heads + head_numbers[:, None]).flatten()
        self.windows = (tiles.windows.flatten() * heads + head_numbers[:, None]).flatten()
        self.touched = (tiles.touched * heads + head_numbers[:, None]).flatten()
        self.order = (tiles.order + entries).flatten()
        self.offsets = (tiles.offsets + entries).flatten()

    def buffer(self, name: str, like: Tensor, *shape: int) -> Tensor:
        return self.pairs.workspace.take(name, like, *shape)

    def anchor_rows(self, x: Tensor, name: str) -> Tensor:
        """Gather the anchors' features, (P,n,d)."""
        return self._gather(x, self.anchors, name, self.anchor_count)

    def window_rows(self, x: Tensor, name: str) -> Tensor:
        """Gather the windows' features, (P,m,d)."""
        return self._gather(x, self.windows, name, self.window_count)

    def put_anchors(self, out: Tensor, values: Tensor) -> None:
        """Write values (P,n,...) to the anchors' rows of ``out`` (R,heads,...); every row has one anchor."""
        out.flatten(0, 1).index_copy_(0, self.anchors, values.flatten(0, 1))

    def add_windows(self, out: Tensor, values: Tensor) -> None:
        """Add values (P,m,d) to the windows' rows of ``out`` (R,heads,d), in a fixed order."""
        sums = F.embedding_bag(self.order, values.flatten(0, 1), self.offsets, mode="sum")
        out.flatten(0, 1).index_add_(0, self.touched, sums)

    def logits(self, anchors: Tensor, windows: Tensor) -> Tensor:
        """Return S + ln C, (P,n,m), for anchors already divided by sqrt(d)."""
        S = self.buffer("logits", anchors, len(anchors), self.anchor_count, self.window_count)
        torch.bmm(anchors, windows.transpose(1, 2), out=S)
        if self.block.log_circle is not None:
            self._by_head(S).add_(self.block.log_circle)
        return S

    def hide(self, weights: Tensor) -> Tensor:
        """Multiply weights (P,n,m) by the visibility, in place."""
        if self.visible is not None:
            self._by_head(weights).mul_(self.visible)
        return weights

    def _by_head(self, pairs: Tensor) -> Tensor:
        return pairs.unflatten(0, (self.groups, -1))

    def _gather(self, x: Tensor, rows: Tensor, name: str, count: int) -> Tensor:
        gathered = self.buffer(name, x, len(rows), x.shape[-1])
        torch.index_select(x.flatten(0, 1), 0, rows, out=gathered)
        return gathered.view(-1, count, x.shape[-1])


def _steps(pairs: BlockedPairs, like: Tensor) -> Iterator[_Step]:
    heads = like.shape[1]
    numbers = torch.arange(heads, device=like.device)
    for block in pairs.blocks:
        visible = None
        if block.visible is not None:
            visible = pairs.workspace.take("visible", like, *block.visible.shape)
            visible.copy_(block.visible).mul_(1.0 / pairs.physics.rays).clamp_(min=pairs.physics.min_visibility)
        at_once = max(1, BLOCK_PAIRS // block.tiles.pairs)
        for first in range(0, heads, at_once):
            yield _Step(pairs, block, visible, numbers[first : first + at_once], heads)


def forward_by_keys(q: Tensor, k: Tensor, v: Tensor, pairs: BlockedPairs) -> tuple[Tensor, Tensor]:
    """Return O (R,heads,d) of Eq. 9 and ln sum_s exp(S_sk) C_sk of every key (R,heads)."""
    output, log_sum = torch.zeros_like(q), q.new_empty(q.shape[:2])
    for step in _steps(pairs, q):
        A, sums = _normalise(step, step.anchor_rows(k, "k"), step.window_rows(q, "q"))
        step.put_anchors(log_sum, sums)
        shares = step.buffer("out", q, len(A), step.window_count, q.shape[-1])
        torch.bmm(step.hide(A).transpose(1, 2), step.anchor_rows(v, "v"), out=shares)
        step.add_windows(output, shares)
    return output, log_sum


def forward_by_queries(q: Tensor, k: Tensor, v: Tensor, pairs: BlockedPairs) -> tuple[Tensor, Tensor]:
    """Return O (R,heads,d) and ln sum_k exp(S_qk) C_qk of every query (R,heads): the ordinary softmax, gated by C."""
    output, log_sum = torch.empty_like(q), q.new_empty(q.shape[:2])
    for step in _steps(pairs, q):
        A, sums = _normalise(step, step.anchor_rows(q, "q"), step.window_rows(k, "k"))
        step.put_anchors(log_sum, sums)
        step.put_anchors(output, torch.bmm(step.hide(A), step.window_rows(v, "v")))
    return output, log_sum


def backward_by_keys(
    q: Tensor, k: Tensor, v: Tensor, log_sum: Tensor, dO: Tensor, pairs: BlockedPairs
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dQ, dK, dV: delta_k = <V_k, dV_k>, dS = A (M dO V^T - delta_k)."""
    dQ, dK, dV = torch.zeros_like(q), torch.empty_like(k), torch.empty_like(v)
    scale = 1.0 / math.sqrt(q.shape[-1])
    for step in _steps(pairs, q):
        K, Q = step.anchor_rows(k, "k").mul_(scale), step.window_rows(q, "q")
        V, dO_window = step.anchor_rows(v, "v"), step.window_rows(dO, "do")
        A = _recall(step, K, Q, log_sum)
        dV_tile = torch.bmm(step.hide(_copy(step, A)), dO_window)
        delta = (V * dV_tile).sum(dim=-1, keepdim=True)
        dS = _times_score_gradient(step, A, V, dO_window, delta)
        step.put_anchors(dV, dV_tile)
        step.put_anchors(dK, torch.bmm(dS, Q).mul_(scale))
        step.add_windows(dQ, torch.bmm(dS.transpose(1, 2), K, out=step.buffer("out", q, *Q.shape)))
    return dQ, dK, dV


def backward_by_queries(
    q: Tensor, k: Tensor, v: Tensor, log_sum: Tensor, dO: Tensor, pairs: BlockedPairs
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dQ, dK, dV of the ordinary softmax: delta_q = sum_k A M (dO V^T)."""
    dQ, dK, dV = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
    scale = 1.0 / math.sqrt(q.shape[-1])
    for step in _steps(pairs, q):
        Q, K = step.anchor_rows(q, "q").mul_(scale), step.window_rows(k, "k")
        V, dO_tile = step.window_rows(v, "v"), step.anchor_rows(dO, "do")
        A = _recall(step, Q, K, log_sum)
        AM = step.hide(_copy(step, A))
        delta = (dO_tile * torch.bmm(AM, V)).sum(dim=-1, keepdim=True)
        step.add_windows(dV, torch.bmm(AM.transpose(1, 2), dO_tile, out=step.buffer("out", q, *K.shape)))
        dS = _times_score_gradient(step, A, dO_tile, V, delta)
        step.put_anchors(dQ, torch.bmm(dS, K).mul_(scale))
        step.add_windows(dK, torch.bmm(dS.transpose(1, 2), Q, out=step.buffer("out", q, *K.shape)))
    return dQ, dK, dV


def _normalise(step: _Step, anchors: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
    """Return A (P,n,m), whose windows sum to 1 for each anchor, and the logarithm of what they summed to (P,n)."""
    S = step.logits(anchors.mul_(1.0 / math.sqrt(anchors.shape[-1])), windows)
    A = step.buffer("weights", S, *S.shape)
    torch.softmax(S, dim=-1, out=A)
    return A, S.amax(dim=-1) - A.amax(dim=-1).log()


def _recall(step: _Step, anchors: Tensor, windows: Tensor, log_sum: Tensor) -> Tensor:
    """Return the forward pass's A (P,n,m) again, from scaled anchors."""
    sums = step.anchor_rows(log_sum[..., None], "sums")
    return step.logits(anchors, windows).sub_(sums).exp_()


def _copy(step: _Step, A: Tensor) -> Tensor:
    return step.buffer("weights", A, *A.shape).copy_(A)


def _times_score_gradient(step: _Step, A: Tensor, anchors: Tensor, windows: Tensor, delta: Tensor) -> Tensor:
    """Return dS = A (M <anchor, window> - delta), (P,n,m), in place of the buffer of A M."""
    dS = step.buffer("weights", A, *A.shape)
    torch.bmm(anchors, windows.transpose(1, 2), out=dS)
    return step.hide(dS).sub_(delta).mul_(A)
