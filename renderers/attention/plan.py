"""What all PISA layers and heads of one forward pass share: the pairs in reach, how bright and how visible they are.

API: ``plan = build_plan(geometry, physics, seed=0)`` once per forward pass and token grid, then
``pairs.pisa_fast(q, k, v, plan)`` in every layer. A plan belongs to one thread.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from .blocked.pair_tiles import PairTiles
from .cpu.pair_lists import PairLists
from .geometry import TokenGeometry
from .physics import PisaPhysics

LOG_TOLERANCE = 13.0
"""Pairs out of reach may weigh e^-13 = 2e-6 of their anchor's sum, all together."""

HEADROOM = 18.0
"""First guess of how much more the pairs out of reach could weigh for their logits and their number."""

METHODS: dict[str, type[PairLists] | type[PairTiles]] = {"lists": PairLists, "tiles": PairTiles}


class PairPlan:
    """The pairs that PISA visits. ``pairs`` runs the attention over them, see ``PairLists`` and ``PairTiles``.

    ``headroom``: pairs are kept as far as ln C >= -(LOG_TOLERANCE + headroom). The attention checks for the logits it
    meets that this is enough, and calls ``widen`` where not; pass the last plan's headroom to the next to save that.
    ``cut``: None, or pairs are kept as far as ln C >= -cut, and nothing is checked.
    """

    def __init__(
        self,
        geometry: TokenGeometry,
        physics: PisaPhysics,
        seed: int,
        headroom: float,
        method: str,
        cut: float | None = None,
    ):
        self.geometry = geometry
        self.physics = physics
        self.seed = seed
        self.method = method
        self.headroom = headroom
        self.cut = cut
        self._pairs: PairLists | PairTiles | None = None
        self._log_crowd: float | None = None

    def prepare(self) -> None:
        """Work the pairs out now rather than in the first layer; without any physics they are not needed."""
        if not self.physics.is_vanilla:
            _ = self.pairs

    @property
    def pairs(self) -> PairLists | PairTiles:
        """The pairs in reach, worked out when first asked for."""
        if self._pairs is None:
            list_pairs = METHODS[self.method]
            with torch.no_grad():
                self._pairs = list_pairs(self.geometry, self.physics, self.seed, self.reach_px)
        return self._pairs

    def widen(self, headroom: float) -> None:
        """Keep pairs as far as another headroom asks."""
        self.headroom = headroom
        self._pairs = self._log_crowd = None

    @property
    def reach_px(self) -> Tensor:
        """Distance up to which each key's pairs are kept, (B,N) float64 in px."""
        radius_px = self.geometry.radius_px.to(torch.float64)
        if not self.physics.coc:
            return torch.full_like(radius_px, math.inf)
        cut = LOG_TOLERANCE + self.headroom if self.cut is None else self.cut
        reach_px = radius_px + cut / self.physics.slope_per_px
        sends = self.senders
        return reach_px if sends is None else torch.where(sends, reach_px, 0.0)

    @property
    def senders(self) -> Tensor | None:
        """Which keys count, (B,N) bool, None: all. An absent one, of value 0, takes its part of a softmax over keys."""
        return self.geometry.present if self.physics.softmax_over_queries else None

    @property
    def log_crowd(self) -> float:
        """How many pairs at the edge of a key's reach weigh as much as all beyond it, at most, as a logarithm.

        Beyond the reach C falls by the slope, so that by keys a ring counts; by queries reaches differ, and all do.
        """
        if not self.physics.softmax_over_queries:
            return math.log(self.geometry.tokens)
        if self._log_crowd is None:
            slope_per_px, reach_px = self.physics.slope_per_px, self._of_senders(self.reach_px).cpu()
            distance_px, log_rest = _weigh_rings(
                self.geometry.height, self.geometry.width, self.geometry.pitch_px, slope_per_px
            )
            beyond = log_rest[torch.searchsorted(distance_px, reach_px, right=True)]
            self._log_crowd = float((beyond + slope_per_px * reach_px).max()) if len(reach_px) else -math.inf
        return self._log_crowd

    @property
    def is_complete(self) -> bool:
        """Whether no pair is out of reach of a key that counts."""
        pitch_y, pitch_x = self.geometry.pitch_px
        diagonal_px = math.hypot(self.geometry.height * pitch_y, self.geometry.width * pitch_x)
        return bool((self._of_senders(self.reach_px) >= diagonal_px).all())

    def _of_senders(self, values: Tensor) -> Tensor:
        """Return the values (B,N) of the keys that count, in a row."""
        return values.flatten() if self.senders is None else values[self.senders]


@lru_cache(maxsize=8)
def _weigh_rings(height: int, width: int, pitch_px: tuple[float, float], slope_per_px: float) -> tuple[Tensor, Tensor]:
    """Return the distances of a grid's tokens from one, nearest first, and what all from each on weigh, logarithms.

    As many as there could be: to both sides along x and y. The last is that of none.
    """
    rows, columns = torch.arange(height), torch.arange(1 - width, width)
    dy, dx = (x.to(torch.float64) * p for x, p in zip((rows, columns), pitch_px, strict=True))
    distance_px = torch.cat([torch.hypot(dy[:, None], dx[None])] * 2).flatten().sort().values
    log_weight = -slope_per_px * torch.cat([distance_px, distance_px.new_tensor([math.inf])])
    return distance_px, log_weight.flip(0).logcumsumexp(dim=0).flip(0)


def build_plan(
    geometry: TokenGeometry,
    physics: PisaPhysics,
    seed: int = 0,
    headroom: float = HEADROOM,
    method: str | None = None,
    cut: float | None = None,
) -> PairPlan:
    """Work out everything about pairs of tokens that does not depend on the features.

    ``seed`` draws the jitter of rays as ``visibility_dense`` does. ``method``: ``lists`` of single pairs for compiled
    loops on the CPU, ``tiles`` for batched torch operations on any device; by default what is faster on the geometry's
    device. ``cut``: leave out pairs whose circle weighs less than e^-cut whatever their logits: for training, where a
    small error does no harm. Memory is about 6 bytes per pair in lists; tiles take 5 bytes for each of a few times as
    many pairs.

    Raises InvalidOptionError for an unknown method, or lists off the CPU.
    """
    on_cpu = geometry.device.type == "cpu"
    method = method or ("lists" if on_cpu else "tiles")
    if method not in METHODS:
        raise InvalidOptionError(f"method: expected one of {', '.join(METHODS)}, got '{method}'")
    if method == "lists" and not on_cpu:
        raise InvalidOptionError(
            f"method 'lists' runs on the CPU only, the geometry is on {geometry.device}: use 'tiles'"
        )
    return PairPlan(geometry, physics, seed, headroom, method, cut)
