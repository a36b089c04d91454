"""One benchmark command: from names to a stored run."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..datasets.catalogue import DATASETS, load_dataset
from ..datasets.interface import SceneDataset
from ..renderers.errors import InvalidOptionError, MissingWeightsError
from ..renderers.interface import Renderer, Scene
from ..renderers.registry import RENDERERS, load_renderer
from .cases import UNPERTURBED, Case, expand_cases
from .environment import describe_environment
from .metrics.interface import Metric
from .metrics.registry import METRICS, load_metric
from .runner import Row, Runner
from .store import discard_run, locked, read_meta, run_folder, write_meta


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a benchmark command asks for. ``device`` None means CUDA where PyTorch sees it, else the CPU."""

    renderers: Sequence[str]
    datasets: Sequence[str]
    metrics: Sequence[str]
    perturbations: Sequence[tuple[str, float]] = ((UNPERTURBED, 0),)
    output: Path
    run: str = "default"
    limit: int | None = None
    device: str | None = None
    dtype: str = "float32"
    seed: int = 0
    fresh: bool = False
    data_root: Path | None = None
    weights: Path | None = None
    command: str = ""


def run_benchmark(settings: Settings, perturb: Callable[[Scene, Case], Scene] | None = None) -> list[Row]:
    """Render and score what ``settings`` asks for; the run is stored in DIR/results/RUN. Returns the plan's rows.

    ``perturb`` makes the scene of a perturbed case.
    Everything that can be found wrong before the first picture is found then: unknown names, missing data, an absent
    device. Raises BokehBenchError for these.
    """
    folder = run_folder(settings.output, settings.run)
    device = _checked_device(settings.device)
    renderers = {name: load_renderer(name) for name in settings.renderers}
    datasets = {name: load_dataset(name, settings.data_root) for name in settings.datasets}
    for name in settings.metrics:
        METRICS.find(name)
    for dataset in datasets.values():
        dataset.prepare()
    metrics, unavailable = _prepare_metrics(settings.metrics, device, settings.weights)
    cases = expand_cases(
        [(name, renderer.weights) for name, renderer in renderers.items()],
        [(name, d.version, list(d.scene_names())[: settings.limit]) for name, d in datasets.items()],
        settings.perturbations,
        seed=settings.seed,
        device=device,
        dtype=settings.dtype,
    )
    environment, record = describe_environment()
    with locked(folder):
        if settings.fresh:
            discard_run(folder)
        meta = _describe_run(settings, device, renderers, datasets, {m.name: m for m in metrics}, unavailable, cases)
        meta["environments"] = read_meta(folder).get("environments", {}) | {environment: record}
        write_meta(folder, meta)
        start = time.perf_counter()
        rows = Runner(folder, datasets, metrics, load_renderer, environment, perturb).run(cases)
        write_meta(folder, meta | {"finished": _now(), "seconds": round(time.perf_counter() - start, 3)})
    return rows


def _checked_device(device: str | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise InvalidOptionError(f"--device '{device}': expected cpu, cuda or cuda:N") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise InvalidOptionError(f"--device {device}: torch {torch.__version__} sees no CUDA device: use --device cpu")
    return device


def _prepare_metrics(
    names: Sequence[str], device: str, weights: Path | None
) -> tuple[list[Metric], dict[str, tuple[Metric, str]]]:
    """Return the metrics that can be computed, and those that cannot with the reason."""
    available, unavailable = [], {}
    for name in names:
        metric = load_metric(name)
        try:
            metric.prepare(device, weights)
        except MissingWeightsError as error:
            unavailable[name] = (metric, str(error))
        else:
            available.append(metric)
    return available, unavailable


def _describe_run(
    settings: Settings,
    device: str,
    renderers: Mapping[str, Renderer],
    datasets: Mapping[str, SceneDataset],
    available: Mapping[str, Metric],
    unavailable: Mapping[str, tuple[Metric, str]],
    cases: Sequence[Case],
) -> dict[str, Any]:
    """Return run.json's content, short of the environment and the end."""
    everything = {**{name: (m, None) for name, m in available.items()}, **unavailable}
    return {
        "run": settings.run,
        "command": settings.command,
        "started": _now(),
        "finished": None,
        "seconds": None,
        "settings": {
            "device": device,
            "dtype": settings.dtype,
            "seed": settings.seed,
            "renderers": list(settings.renderers),
            "datasets": list(settings.datasets),
            "metrics": list(settings.metrics),
            "limit": settings.limit,
        },
        "plan": [case.key for case in cases],
        "renderers": {
            name: {
                "summary": RENDERERS.find(name.partition("@")[0]).summary,
                "weights": renderer.weights,
                "capabilities": asdict(renderer.capabilities),
            }
            for name, renderer in renderers.items()
        },
        "datasets": {
            name: {
                "summary": DATASETS.find(name).summary,
                "protocol": dataset.protocol,
                "terms": dataset.terms,
                "scored": dataset.scored,
                "version": dataset.version,
            }
            for name, dataset in datasets.items()
        },
        "metrics": {
            name: {
                "unit": everything[name][0].unit,
                "higher_is_better": everything[name][0].higher_is_better,
                "description": everything[name][0].description,
                "available": everything[name][1] is None,
                "reason": everything[name][1],
            }
            for name in settings.metrics
        },
    }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
