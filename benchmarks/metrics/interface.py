"""What a metric is to the harness."""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from ...core.scene import Scene
from .image_pair import ImagePair, Truth


class Metric(ABC):
    """A full-reference image metric, named by its exact variant.

    ``unit`` ("dB" or ""), ``higher_is_better`` and ``description`` (the variant in one sentence) go into the report.
    """

    name: str
    unit: str = ""
    higher_is_better: bool
    description: str

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:  # noqa: B027
        """Load weights. ``weights`` is the folder given by ``--weights``.

        Raises MissingWeightsError: the metric is then unavailable for the whole run, and the report says why.
        """

    @abstractmethod
    def score(self, prediction: Tensor, scene: Scene) -> float | None:
        """Compare ``prediction`` with ``scene.target``, both (3,H,W) float32, display-encoded, [0,1], 8-bit values.

        ``scene`` is the unperturbed scene: its defocus tells where focus and depth edges are. Returns None where the
        metric is not defined on this scene (no pixel in focus, no depth edge). Both are shared: do not change them.
        """

    def score_pair(self, pair: ImagePair) -> float | None:
        """Return the same for a pair that other metrics look at too; the harness calls this."""
        return self.score(pair.image, pair.truth.scene)


class PairMetric(Metric):
    """A metric that uses what a pair keeps. Sub-classes write ``score_pair``.

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
        return self.score_pair(ImagePair(prediction, Truth(scene)))

    @abstractmethod
    def score_pair(self, pair: ImagePair) -> float | None:
        """Return the pair's value; None where the metric is not defined on its scene."""
