"""What a metric is to the harness."""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from ...renderers.interface import Scene


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
        metric is not defined on this scene (no pixel in focus, no depth edge).
        """
