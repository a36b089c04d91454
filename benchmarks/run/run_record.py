"""What run.json says of a command: what was asked, of which renderers, data sets and metrics."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ...datasets.catalogue import DATASETS
from ...datasets.interface import SceneDataset
from ...renderers.interface import Renderer
from ...renderers.learned import LearnedRenderer
from ...renderers.registry import RENDERERS
from ..metrics.interface import Metric
from .cases import UNPERTURBED, Case

Record = dict[str, Any]

SETTINGS = ("device", "dtype", "seed", "renderers", "datasets", "metrics", "limit", "perturbations")


def describe_run(
    settings: Mapping[str, Any],
    renderers: Mapping[str, Renderer],
    datasets: Mapping[str, SceneDataset],
    available: Sequence[Metric],
    unavailable: Mapping[str, tuple[Metric, str]],
) -> Record:
    """Describe a command that starts now, short of its plan."""
    everything = {metric.name: (metric, None) for metric in available} | dict(unavailable)
    return {
        "run": settings["run"],
        "command": settings["command"],
        "started": now(),
        "starts": 1,
        "finished": None,
        "seconds": None,
        "settings": {name: settings[name] for name in SETTINGS},
        "renderers": {name: _describe_renderer(name, renderer) for name, renderer in renderers.items()},
        "datasets": {name: _describe_dataset(name, dataset) for name, dataset in datasets.items()},
        "metrics": {name: _describe_metric(*everything[name]) for name in settings["metrics"]},
    }


def merge_records(earlier: Record, record: Record, cases: Sequence[Case]) -> Record:
    """Put a command's record beside what the run already says.

    A plain benchmark is the record itself; a robustness sweep goes under ``sweep``, and its unperturbed cases stand for
    a benchmark where there was none, or only those of the sweep before.
    """
    if all(case.perturbation == UNPERTURBED for case in cases):
        return earlier | record
    own_benchmark = "plan" in earlier and earlier["command"] != earlier.get("sweep", {}).get("command")
    benchmark = earlier if own_benchmark else earlier | record | {"plan": _unperturbed_keys(cases)}
    return benchmark | {"sweep": record}


def continue_record(earlier: Record, record: Record) -> Record:
    """Return a command's record with when the same command was first started on the same plan, and how often since.

    ``seconds`` is the last start's: what a killed one took is not known.
    """
    for previous in (earlier, earlier.get("sweep", {})):
        if all(previous.get(name) == record[name] for name in ("command", "plan")):
            return record | {"started": previous["started"], "starts": previous.get("starts", 1) + 1}
    return record


def now() -> str:
    """Return the time in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _unperturbed_keys(cases: Sequence[Case]) -> list[str]:
    return [case.key for case in cases if case.perturbation == UNPERTURBED]


def _describe_renderer(name: str, renderer: Renderer) -> Record:
    return {
        "summary": RENDERERS.find(name.partition("@")[0]).summary,
        "weights": renderer.weights,
        "training": renderer.training,
        "needs_weights": isinstance(renderer, LearnedRenderer),
        "capabilities": renderer.capabilities.to_json(),
    }


def _describe_dataset(name: str, dataset: SceneDataset) -> Record:
    return {
        "summary": DATASETS.find(name).summary,
        "protocol": dataset.protocol,
        "terms": dataset.terms,
        "scored": dataset.scored,
        "version": dataset.version,
    }


def _describe_metric(metric: Metric, reason: str | None) -> Record:
    return {
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "description": metric.description,
        "available": reason is None,
        "reason": reason,
    }
