"""What run.json says of a command: what was asked, of which renderers, data sets and metrics."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ...datasets.catalogue import DATASETS
from ...datasets.interface import SceneDataset
from ...renderers.interface import Renderer
from ...renderers.registry import find_renderer
from ..metrics.interface import Metric
from ..request import RunRequest
from .usable import UnusableMetric

Record = dict[str, Any]


def describe_run(
    request: RunRequest,
    device: str,
    severities: Sequence[tuple[str, float]],
    renderers: Mapping[str, Renderer],
    datasets: Mapping[str, SceneDataset],
    metrics: Mapping[str, Metric],
    unavailable: Mapping[str, str],
) -> Record:
    """Describe a command that starts now, short of its cases; ``device`` and ``severities`` are those that it comes to.

    ``unavailable``: why a metric cannot be computed here.
    """
    return {
        "run": request.run,
        "command": request.command,
        "started": now(),
        "starts": 1,
        "finished": None,
        "seconds": None,
        "reuse": None,
        "settings": request.recorded | {"device": device, "perturbations": severities},
        "renderers": {name: _describe_renderer(name, renderer) for name, renderer in renderers.items()},
        "datasets": {name: _describe_dataset(name, dataset) for name, dataset in datasets.items()},
        "metrics": {name: _describe_metric(metric, unavailable.get(name)) for name, metric in metrics.items()},
    }


def now() -> str:
    """Return the time in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _describe_renderer(name: str, renderer: Renderer) -> Record:
    return {
        "summary": find_renderer(name).meaning,
        "weights": renderer.weights,
        "training": renderer.training,
        "needs_weights": renderer.needs_weights,
        "capabilities": renderer.capabilities.to_json(),
    }


def _describe_dataset(name: str, dataset: SceneDataset) -> Record:
    return {
        "summary": DATASETS.find(name).meaning,
        "protocol": dataset.protocol,
        "terms": dataset.terms,
        "scored": dataset.scored,
        "version": dataset.version,
        "true_disparity": dataset.true_disparity,
    }


def _describe_metric(metric: Metric, reason: str | None) -> Record:
    return {
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "description": metric.description,
        "available": reason is None,
        "reason": reason,
        "broken": isinstance(metric, UnusableMetric),
    }
