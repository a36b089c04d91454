"""PISA on the CPU: lists of partners in reach, sixteen anchors to a list, and compiled loops over the lists."""

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import maximum_filter
from torch import Tensor

from ....core.sharing import share_range
from ..geometry import TokenGeometry
from ..physics import PisaPhysics
from ..visibility import fold_seed, source_shifts
from . import list_pairs
from .attend import attend, attend_backward
from .records import BackwardFeatures, Features, Gradients, Lens, Lists, Occluders, Pairs, Rays, TokenGrid, Tracing
from .simd_matmul import LANES
from .trace_pairs import trace_pairs

JITTER_MARGIN = 1e-6
"""In samples: rounding must not carry a point beyond the farthest cell."""

SIDE = 4
"""Tokens along the side of a team, whose anchors share a list: ``simd_matmul.LANES`` together."""


PIECES = 8
"""Parts of the teams for each thread: depth edges, where rays are blocked, lie anywhere."""


class PairLists:
    """The pairs in reach, listed by anchor: keys where PISA normalises over queries, else queries.

    Squares of the grid form teams, ``teams`` (G,16) with ``sizes`` (G,) 1 to 16, without squares of keys none of which
    is present; the list of a team holds every partner in reach of one of them, ``starts`` (G+1,) and ``partners`` (P,)
    int32, nearest first. Row numbers count the tokens of all pictures, b * N + token. ``log_circle`` (P,16), of the
    type of the geometry's disparity, and ``visible`` (P,16) uint8, rays of ``physics.rays``, are (0,16) where the
    physics leaves them out; ``log_rest`` (P,) or (0,) is what C adds up to from a partner to the end of its list, at
    most, as a logarithm. Rays are traced as far as the logits have asked for: the first ``traced`` (G,) partners of
    each team.
    """

    def __init__(self, geometry: TokenGeometry, physics: PisaPhysics, seed: int, reach_px: Tensor):
        self.by_keys = physics.softmax_over_queries
        self.physics = physics
        self.teams, self.sizes = _form_teams(geometry.batch, geometry.height, geometry.width)
        if self.by_keys and geometry.present is not None:  # a key that is absent has nothing to send
            listed = geometry.present.flatten().numpy()[self.teams].any(axis=1)
            self.teams, self.sizes = self.teams[listed], self.sizes[listed]
        places = np.stack(np.divmod(np.arange(geometry.tokens), geometry.width), axis=1).astype(np.float64)
        pitch_y_px, pitch_x_px = map(float, geometry.pitch_px)
        grid = TokenGrid(geometry.height, geometry.width, pitch_y_px, pitch_x_px, places)
        reach = reach_px.flatten().numpy()
        counts, nothing = np.empty(len(self.teams), np.int64), np.empty(0, np.int32)
        list_pairs.list_partners(grid, self.teams, reach, self.by_keys, counts, counts, nothing)
        self.longest = int(counts.max(initial=0))
        self.starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.partners = np.empty(self.starts[-1], np.int32)
        list_pairs.list_partners(grid, self.teams, reach, self.by_keys, self.starts, counts, self.partners)
        pairs = len(self.partners)
        dtype = geometry.disparity.new_empty(0).cpu().numpy().dtype
        self.log_circle = np.empty((pairs if physics.coc else 0, LANES), dtype)
        self.visible = np.empty((pairs if physics.occlusion else 0, LANES), np.uint8)
        self.log_rest = np.empty(len(self.log_circle), np.float32)
        lists = Lists(self.teams, self.starts, self.partners, self.by_keys)
        near = counts.copy()
        if physics.coc:
            lens = Lens(physics.slope_per_px, geometry.radius_px.to(torch.float64).flatten().numpy())
            list_pairs.weigh_pairs(lists, grid, lens, self.log_circle, self.log_rest, near)
        rays = Rays(fold_seed(seed), physics.rays, physics.rays_from == "mixed", physics.jitter == "sample")
        self._tracing = Tracing(lists, grid, reach, _find_occluders(geometry, physics, seed, grid, reach), rays)
        self.traced = np.zeros_like(counts)
        self.trace(near)

    def trace(self, counts: np.ndarray) -> None:
        """Count the visible rays of at least the first ``counts`` (G,) partners of each team."""
        counts = np.maximum(counts, self.traced)
        if len(self.visible):
            arrays = (self._tracing, self.traced, counts, self.visible)
            share_range(trace_pairs, len(counts), *arrays, pieces=PIECES)
        self.traced = counts

    @property
    def nbytes(self) -> int:
        """Memory of the lists."""
        indices = self.teams, self.sizes, self.starts, self.partners
        return sum(x.nbytes for x in (*indices, self.log_circle, self.visible, self.log_rest))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bound: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return O (R,heads,d) of Eq. 9 and, for ``backward``, (the logarithm of every anchor's sum (R,heads), ...).

        ``q``, ``k``, ``v``: rows (R,heads,d). ``bound``: (R,heads), no logit of an anchor is higher. The logarithm is
        infinite where an anchor is in no team.
        """
        anchors, others = (k, q) if self.by_keys else (q, k)
        features = _pad(anchors, others, v)
        output, log_sum = torch.zeros_like(features[0]), q.new_full(q.shape[:2], math.inf)
        kept = torch.empty(len(self.teams), q.shape[1], dtype=torch.int32)
        arrays = (bound.numpy(), output.numpy(), log_sum.numpy(), kept.numpy())
        rows = Features(*_arrays(features))
        share_range(attend, q.shape[1], self._pairs(q), rows, *arrays, self._tracing, self.traced)
        self.traced = np.maximum(self.traced, kept.amax(dim=1).numpy())
        return output[..., : q.shape[2]], (log_sum, kept)

    def backward(
        self, q: Tensor, k: Tensor, v: Tensor, dO: Tensor, log_sum: Tensor, kept: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return dQ, dK, dV (R,heads,d)."""
        self.trace(kept.amax(dim=1).numpy())  # a later layer may have widened the plan: its lists start untraced
        features = _pad(*((k, q, v, dO) if self.by_keys else (q, k, dO, v)))
        gradients = [torch.zeros_like(features[0]) for _ in range(3)]
        arrays = (log_sum.numpy(), kept.numpy(), Gradients(*_arrays(gradients)))
        share_range(attend_backward, q.shape[1], self._pairs(q), BackwardFeatures(*_arrays(features)), *arrays)
        of_anchors, of_others, dV = (x[..., : q.shape[2]] for x in gradients)
        return (of_others, of_anchors, dV) if self.by_keys else (of_anchors, of_others, dV)

    def _pairs(self, like: Tensor) -> Pairs:
        """Return the pairs as the kernels take them: numbers in the features' type, or the loops turn into float64."""
        number = like.new_empty(0).numpy().dtype.type
        return Pairs(
            teams=self.teams,
            sizes=self.sizes,
            starts=self.starts,
            partners=self.partners,
            log_circle=self.log_circle,
            visible=self.visible,
            log_rest=self.log_rest,
            light_of_ray=number(1.0 / self.physics.rays),
            least_light=number(self.physics.min_visibility),
            scale=number(1.0 / math.sqrt(like.shape[-1])),
            longest=self.longest,
            by_keys=self.by_keys,
        )


def _pad(*features: Tensor) -> list[Tensor]:
    """Fill up features (R,heads,d) with zeros to a multiple of 16."""
    return [F.pad(x, (0, -x.shape[2] % LANES)) if x.shape[2] % LANES else x for x in features]


def _arrays(tensors: list[Tensor]) -> tuple[np.ndarray, ...]:
    return tuple(x.numpy() for x in tensors)


@lru_cache(maxsize=8)
def _form_teams(batch: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of each team (G,16), the last repeated where there are fewer, and the sizes (G,)."""
    teams, sizes = [], []
    tokens = np.arange(height * width).reshape(height, width)
    for y in range(0, height, SIDE):
        for x in range(0, width, SIDE):
            members = tokens[y : y + SIDE, x : x + SIDE].flatten()
            teams.append(np.pad(members, (0, LANES - len(members)), mode="edge"))
            sizes.append(len(members))
    pictures = np.arange(batch)[:, None, None] * height * width
    arrays = (pictures + np.stack(teams)).reshape(-1, LANES), np.tile(sizes, batch)
    for array in arrays:
        array.flags.writeable = False  # all plans of this size share it
    return arrays


def _find_occluders(
    geometry: TokenGeometry, physics: PisaPhysics, seed: int, grid: TokenGrid, reach_px: np.ndarray
) -> Occluders:
    disparity = geometry.disparity.to(torch.float64).numpy()
    weights = np.array(physics.ray_weights)
    thresholds = weights * disparity[..., None] + (1.0 - weights)
    surfaces = geometry.ray_map.to(torch.float64).contiguous().numpy()
    padded = np.pad(surfaces, ((0, 0), (1, 1), (1, 1)))
    rows = np.maximum(padded[:, 1:], padded[:, :-1])
    highest = np.maximum(rows[:, :, 1:], rows[:, :, :-1])
    shifts = source_shifts(geometry, physics, seed).numpy()
    oversampling = surfaces.shape[2] // geometry.width
    around = _highest_around(highest, physics, shifts, oversampling)
    nearest = _find_nearest(grid, reach_px, physics, around)
    idle = (thresholds >= nearest[..., None]).sum(axis=2)
    odds, ratios = disparity / (1.0 - disparity), (1.0 - thresholds) / thresholds
    return Occluders(odds, thresholds, ratios, idle, surfaces, highest, around, shifts, oversampling)


def _highest_around(highest: np.ndarray, physics: PisaPhysics, shifts: np.ndarray, oversampling: int) -> np.ndarray:
    """Return the highest as far around every cell (B,h+1,w+1) as jitter moves a ray's point at most.

    Infinite where there is no bound: beyond its source a ray moves by more than the source does.
    """
    if physics.rays_from == "mixed" and physics.jitter == "source" and shifts.any():
        return np.full_like(highest, np.inf)
    tokens = 0.5 if physics.jitter == "sample" else float(np.abs(shifts).max())
    cells = math.ceil(tokens * oversampling + JITTER_MARGIN) if tokens else 0
    side = 2 * min(cells, max(highest.shape[1:])) + 1
    return maximum_filter(highest, size=(1, side, side), mode="nearest")


def _find_nearest(grid: TokenGrid, reach_px: np.ndarray, physics: PisaPhysics, around: np.ndarray) -> np.ndarray:
    """Return the highest disparity that a key's rays could meet (B,N): the picture's where nothing bounds them."""
    height, width, batch = grid.height, grid.width, len(around)
    if physics.rays_from == "mixed" or np.isinf(reach_px).any():
        return np.broadcast_to(around.max(axis=(1, 2))[:, None], (batch, height * width))
    oversampling = (around.shape[2] - 1) // width
    windows = np.lib.stride_tricks.sliding_window_view(around, (oversampling + 1, oversampling + 1), axis=(1, 2))
    of_tokens = windows[:, ::oversampling, ::oversampling].max(axis=(3, 4))
    nearest = np.empty((batch, height * width))
    list_pairs.find_nearest(grid, reach_px, of_tokens, nearest)
    return nearest
