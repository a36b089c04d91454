"""The switches of physics-inspired self-attention (PISA).

Every part of the physics is one, and so is every choice that the paper leaves open or the released code makes
differently.

API: ``PisaPhysics()`` follows the paper, ``PisaPhysics.from_profile("code", hardness=1e7)`` the released code; an
ablation is ``PisaPhysics(coc=False)``.

Not offered in either profile: the released code's dropout of 0.1 on the attention weights, unseeded and at inference
too. It leaves the expected output as it is and makes the renderer's pictures noisy.
"""

import math
from dataclasses import dataclass
from typing import Any

from ...core.checks import check, check_choice
from ...core.errors import InvalidOptionError

RAYS_FROM = ("source", "mixed")
JITTERS = ("source", "sample")


@dataclass(frozen=True, kw_only=True)
class PisaPhysics:
    """What PISA models and how sharply. The defaults are the paper's where it speaks, else the released code's.

    - ``softmax_over_queries``: normalise over queries, so that each key's light is shared out once (Eq. 3); False is
      the ordinary softmax over keys.
    - ``coc``: weigh each pair by the key's circle of confusion (Eq. 4-6), inside the softmax.
    - ``occlusion``: multiply by the visibility of the key from the query (Eq. 7-9), after the softmax.
    - ``hardness``: of the circle's soft edge, sigmoid(ln(hardness) * (radius - distance) / edge_unit_px); the authors
      train from 3 upwards and infer at 1e7. Greater than 1.
    - ``edge_unit_px``: the unit of length c of Eq. 6. The released code measures in units of 10 px at 512 px.
    - ``rays``: jittered rays per pair that visibility averages over; the first is not jittered.
    - ``segments``: points on each ray that are tested.
    - ``ray_range``: the nearest and farthest point, as weight of the source's disparity against the lens's (1).
    - ``rays_from``: ``source`` takes a ray's points from the source's disparity (Eq. 7-8); ``mixed`` takes their place
      in the picture from the query's disparity and their depth from the source's (the released code).
    - ``jitter``: ``source`` shifts the start of a ray by a Gaussian around the source (Eq. 9); ``sample`` shifts each
      point of a ray by a uniform +-1/2 token (the released code).
    - ``jitter_tokens``: standard deviation of the Gaussian in tokens. The paper gives none: this is the uniform's.
    - ``min_visibility``: what an occluded pair keeps (the released code keeps 0.01 while it trains).

    Without any of the three parts PISA is F.scaled_dot_product_attention. Raises InvalidOptionError on impossible
    values.
    """

    softmax_over_queries: bool = True
    coc: bool = True
    occlusion: bool = True
    hardness: float = 1e7
    edge_unit_px: float = 10.0
    rays: int = 5
    segments: int = 7
    ray_range: tuple[float, float] = (0.1, 0.9)
    rays_from: str = "source"
    jitter: str = "source"
    jitter_tokens: float = 1 / math.sqrt(12)
    min_visibility: float = 0.0

    def __post_init__(self) -> None:
        check("hardness", self.hardness, 1.0 < self.hardness < math.inf, "a number above 1")
        check("edge_unit_px", self.edge_unit_px, 0.0 < self.edge_unit_px < math.inf, "a length above 0")
        check("rays", self.rays, 1 <= self.rays <= 255, "1 to 255")
        check("segments", self.segments, self.segments >= 1, "at least 1 (switch off occlusion instead)")
        low, high = self.ray_range
        check("ray_range", self.ray_range, 0.0 < low <= high < 1.0, "0 < low <= high < 1")
        check_choice("rays_from", self.rays_from, RAYS_FROM)
        check_choice("jitter", self.jitter, JITTERS)
        check("jitter_tokens", self.jitter_tokens, 0.0 <= self.jitter_tokens < math.inf, "a length of 0 or more")
        check("min_visibility", self.min_visibility, 0.0 <= self.min_visibility <= 1.0, "0 to 1")

    @classmethod
    def from_profile(cls, profile: str, **changes: Any) -> "PisaPhysics":
        """Return the physics of the ``paper`` or of the released ``code``, with changes.

        ``code`` differs in ``rays_from``, ``jitter`` and, at a hardness below 1e6 (training), in ``min_visibility`` and
        ``rays`` x ``segments`` (4 x 5). See ``TokenGeometry`` for its pooling and its pitch.
        """
        if profile == "paper":
            return cls(**changes)
        if profile != "code":
            raise InvalidOptionError(f"profile: expected 'paper' or 'code', got '{profile}'")
        released: dict[str, Any] = {"rays_from": "mixed", "jitter": "sample"}
        if changes.get("hardness", cls.hardness) < 1e6:
            released |= {"rays": 4, "segments": 5, "min_visibility": 0.01}
        return cls(**(released | changes))

    @property
    def slope_per_px(self) -> float:
        """Slope of the soft edge's logit, ln(hardness) / edge_unit_px."""
        return math.log(self.hardness) / self.edge_unit_px

    @property
    def is_vanilla(self) -> bool:
        """Whether nothing is left but ordinary attention."""
        return not (self.softmax_over_queries or self.coc or self.occlusion)

    @property
    def ray_weights(self) -> tuple[float, ...]:
        """Weight of the source's disparity at each point of a ray, from near the lens to near the source."""
        low, high = self.ray_range
        step = (high - low) / max(self.segments - 1, 1)
        return tuple(low + i * step for i in range(self.segments))
