"""What a metric is to the harness."""

import math
from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from ...core.scene import Scene
from .comparison import Comparison, Target

ROUNDING = 1e-3
"""How far a score may lie outside its metric's bounds."""

LARGEST_SCORE = 1e100
"""Of any metric, above 0 or below: sums of squares of scores, and axes of figures, are finite."""


class Metric(ABC):
    """A full-reference image metric, named by its exact variant.

    ``unit`` ("dB" or ""), ``higher_is_better`` and ``description`` (the variant in one sentence) go into the report.
    ``weights``: a digest of trained weights, known once prepared; scores with other weights are not reused.
    ``bounds``: the least and the largest value there can be; a score beyond them, here or from elsewhere, is none.
    """

    name: str
    unit: str = ""
    higher_is_better: bool
    description: str
    weights: str | None = None
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:  # noqa: B027
        """Load weights. ``weights`` is the folder given by ``--weights``.

        Raises MissingWeightsError: the metric is then unavailable for the whole run, and the report says why.
        """

    def allows(self, value: float) -> bool:
        """Whether a score lies within ``bounds``, up to rounding."""
        low, high = self.bounds
        return low - ROUNDING <= value <= high + ROUNDING

    @abstractmethod
    def score(self, prediction: Tensor, scene: Scene) -> float | None:
        """Compare ``prediction`` with ``scene.target``, both (3,H,W) float32, display-encoded, [0,1], 8-bit values.

        ``scene`` is the unperturbed scene: its defocus says where focus and depth edges are. Returns None where the
        metric is not defined on this scene (no pixel in focus, no depth edge).
        """

    def compare(self, comparison: Comparison) -> float | None:
        """Return the same for a comparison that other metrics look at too; the harness calls this.

        ``score`` gets copies: what it changes of them reaches no other metric.
        """
        return self.score(comparison.image.clone(), comparison.target.scene.to("cpu", copy=True))


class ComparisonMetric(Metric):
    """A metric that uses what a comparison keeps. Sub-classes write ``compare``.

    Computes on the device that ``prepare`` was given.
    """

    def __init__(self) -> None:
        self._device = torch.device("cpu")

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        """Choose the device. ``weights`` is not used."""
        self._device = torch.device(device)

    def score(self, prediction: Tensor, scene: Scene) -> float | None:
        """Compare ``prediction`` with ``scene.target``, which are rounded to 8-bit values.

        Raises InvalidSceneError where the scene has no target, InvalidOutputError where the shapes differ.
        """
        return self.compare(Comparison(prediction, Target(scene)))

    @abstractmethod
    def compare(self, comparison: Comparison) -> float | None:
        """Return the value; None where the metric is not defined on its scene."""
