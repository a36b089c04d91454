"""What the network is given in training: maps that lost resolution, thin parts or sharpness, and pictures as poor.

API: ``WrongInputs().apply(picture, disparity, rng)``. What is wrong is the robustness sweep's own.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from ...core.checks import Within, check, check_fields
from ...datasets.low_quality.steps import Picture
from ...datasets.low_quality.zoom import drop_resolution, zoom
from ...robustness.perturbations.estimates import estimate
from ...robustness.perturbations.interface import Map
from ...robustness.perturbations.outlines import blur
from ..scenes.low_quality import LowQuality

Share = Annotated[float, Within(0.0, 1.0)]
Range = Annotated[tuple[float, float], Within(0.1, 16.0)]


@dataclass(frozen=True, kw_only=True)
class WrongInputs:
    """How often and how strongly maps are wrong, and pictures poor.

    ``coarse``: share of maps at 1/factor of their resolution, by ``factors``; ``lost``: of those as an estimator gives
    that loses thin parts, by ``lost_px``; ``blurred``: of those with a Gaussian of ``blur_px``; the others are right.
    Ranges are drawn from evenly in their logarithm. ``clean``: share of pictures that stay as they are; of the others
    a coarse map's is zoomed into by its factor, and any other's is ``low_quality``.
    """

    coarse: Share = 0.55
    lost: Share = 0.25
    blurred: Share = 0.2
    factors: Range = (1.3, 8.0)
    lost_px: Range = (0.5, 8.0)
    blur_px: Range = (0.5, 8.0)
    clean: Share = 0.35
    low_quality: LowQuality = field(default_factory=lambda: LowQuality(clean=0.0))

    def __post_init__(self) -> None:
        check_fields(self, "wrong_inputs.")
        wrong = self.coarse + self.lost + self.blurred
        check("wrong_inputs.coarse", self.coarse, wrong <= 1.0, "at most 1 with lost and blurred")
        check("wrong_inputs.factors", self.factors, self.factors[0] >= 1.0, "1 to 16")
        for name in ("factors", "lost_px", "blur_px"):
            low, high = getattr(self, name)
            check(f"wrong_inputs.{name}", (low, high), low <= high, "the smaller number first")

    def apply(self, picture: Picture, disparity: Map, rng: np.random.Generator) -> tuple[Picture, Map]:
        """Return picture (H,W,3) and map (H,W) as they are given to the network, the map in its own range."""
        kind, clean = rng.random(), rng.random() < self.clean
        if kind < self.coarse:
            factor = _draw(self.factors, rng)
            return picture if clean else zoom(picture, factor, rng), drop_resolution(disparity, factor)
        poor = picture if clean else self.low_quality.apply(picture, rng)
        if kind < self.coarse + self.lost:
            return poor, _within(estimate(disparity, _draw(self.lost_px, rng), rng), disparity)
        if kind < self.coarse + self.lost + self.blurred:
            return poor, blur(disparity, _draw(self.blur_px, rng), rng)
        return poor, disparity


def _draw(ends: tuple[float, float], rng: np.random.Generator) -> float:
    low, high = map(math.log, ends)
    return math.exp(rng.uniform(low, high))


def _within(changed: Map, disparity: Map) -> Map:
    return np.clip(changed, disparity.min(), disparity.max())
