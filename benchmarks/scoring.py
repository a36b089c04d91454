"""Scores of one picture: every metric's value, or why it has none."""

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from ..renderers.interface import Scene
from .metrics.image_pair import quantise
from .metrics.interface import Metric

UNDEFINED = "not defined on this scene"
FAILED = "failed: "
"""How the note of a metric starts that failed on a case; the next command tries it again."""


def score_picture(
    metrics: Sequence[Metric], image: Tensor, scene: Scene
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Compare the 8-bit picture with the 8-bit target; a metric without a value is None with a note that says why.

    ``image``: (3,H,W) float32 on the CPU, display-encoded, [0,1], as it was rendered or as it was read from the file.
    """
    if scene.target is None:
        return {}, {metric.name: UNDEFINED for metric in metrics}
    picture = quantise(image)
    reference = replace(scene, target=quantise(scene.target))
    scores: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for metric in metrics:
        scores[metric.name], note = _apply(metric, picture, reference)
        if note:
            notes[metric.name] = note
    return scores, notes


def one_line(message: str) -> str:
    """Return a message without line breaks."""
    return " ".join(message.split())


def _apply(metric: Metric, picture: Tensor, reference: Scene) -> tuple[float | None, str | None]:
    """Return a metric's value, or None with the reason: a metric's bug must not cost the picture."""
    try:
        value = metric.score(picture, reference)
    except Exception as error:  # noqa: BLE001 - the row names it
        return None, one_line(f"{FAILED}{type(error).__name__}: {error}")
    if value is None:
        return None, UNDEFINED
    return (float(value), None) if math.isfinite(value) else (None, f"{FAILED}gave {float(value)}")
