"""Scores of pictures: every metric's value, or why it has none."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from torch import Tensor

from ...core.failures import describe_error
from ...core.forks import one_process
from ...core.scene import Scene
from ..metrics.comparison import Comparison, Target
from ..metrics.interface import LARGEST_SCORE, Metric
from .rows import find_outdated
from .schema import Row

UNDEFINED = "not defined on this scene"
FAILED = "failed: "
"""How the note of a metric starts that failed on a case; the next command tries it again."""


class Scorer:
    """Scores pictures with ``metrics``. What these derive from a scene is kept until the next scene.

    ``codes``: a digest of each metric's code and weights, by name, which rows keep as ``scored_by``.
    """

    def __init__(self, metrics: Sequence[Metric], codes: Mapping[str, str] = MappingProxyType({})):
        self.metrics = metrics
        self.codes = {metric.name: codes.get(metric.name, "") for metric in metrics}
        self._target: Target | None = None

    def score(self, image: Tensor, scene: Scene) -> tuple[dict[str, float | None], dict[str, str]]:
        """Compare the 8-bit picture with the 8-bit target; a metric without a value is None with a note that says why.

        ``image``: (3,H,W) float32 on the CPU, display-encoded, [0,1], as it was rendered or as it was read from the
        file. Raises InvalidOutputError where it has not the target's size.
        """
        if scene.target is None:
            return {}, {metric.name: UNDEFINED for metric in self.metrics}
        if self._target is None or self._target.original is not scene:
            self._target = Target(scene)
        comparison = Comparison(image, self._target)
        scores: dict[str, float | None] = {}
        notes: dict[str, str] = {}
        for metric in self.metrics:
            scores[metric.name], note = _apply(metric, comparison)
            if note:
                notes[metric.name] = note
        return scores, notes

    def has_scored(self, row: Row) -> bool:
        """Whether every metric, in its present code, has looked at a row's picture."""
        return not find_outdated(row, self.codes) and all(
            row["metrics"].get(name) is not None or row["notes"].get(name) == UNDEFINED for name in self.codes
        )


def _apply(metric: Metric, comparison: Comparison) -> tuple[float | None, str | None]:
    """Return a metric's value, or None with the reason: a metric's bug must not cost the picture."""
    try:
        with one_process(metric.name):
            value = metric.compare(comparison)
        if isinstance(value, Tensor):
            value = value.item()
        wrong = None if value is None else _find_fault(metric, value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the row names it
        return None, f"{FAILED}{describe_error(error)}"
    if value is None:
        return None, UNDEFINED
    return (None, f"{FAILED}{wrong}") if wrong else (float(value), None)


def _find_fault(metric: Metric, value: float) -> str | None:
    """Say what is wrong with a value that no bundle could hold; None where nothing is."""
    if not math.isfinite(value):
        return f"gave {float(value)}"
    if abs(float(value)) > LARGEST_SCORE:
        return f"gave {value:g}, expected {-LARGEST_SCORE:g} to {LARGEST_SCORE:g}"
    if not metric.allows(value):
        low, high = metric.bounds
        return f"gave {value:g}, outside its bounds, {low:g} to {high:g}"
    return None
