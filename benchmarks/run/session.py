"""One benchmark command: from names to a stored run."""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch

from ...core import files
from ...core.errors import BokehBenchError, DamagedDataError, InvalidOptionError, MissingWeightsError
from ...core.failures import describe_error
from ...core.launch import is_helper
from ...core.scene import Scene
from ...core.sources import hash_sources
from ...core.threads import use_torch_threads
from ...core.working_folder import keeping_folder
from ...datasets.catalogue import DATASETS, load_dataset
from ...datasets.interface import SceneDataset, prepare_dataset
from ...renderers.interface import Renderer
from ...renderers.registry import find_renderer
from ..metrics.interface import Metric
from ..metrics.registry import METRICS
from ..option_values import device_name
from ..request import RunRequest
from . import scoring
from .cases import UNPERTURBED, Case, PlannedDataset, PlannedRenderer, expand_cases
from .processes import join_processes
from .reuse import ContentTable
from .run_folder import RunFolder
from .run_record import describe_run
from .runner import Row, Runner
from .scene_record import collect_doubts
from .usable import UnusableMetric, UnusableRenderer, complete, load_metric, load_renderer

log = logging.getLogger(__name__)

Severities = Sequence[tuple[str, float]]
"""Perturbations and how severe each is."""


def run_benchmark(
    request: RunRequest,
    severities: Severities = ((UNPERTURBED, 0),),
    perturb: Callable[[Scene, Case], Scene] | None = None,
    perturbation_code: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    changes: Mapping[str, Set[str]] = MappingProxyType({}),
    at_end: Callable[[Path, Sequence[Row], Mapping[str, SceneDataset]], list[Row]] | None = None,
) -> list[Row]:
    """Render and score what ``request`` asks for; the run is stored in DIR/results/RUN. Returns the cases' rows.

    Every scene is rendered at ``severities``; ``perturb`` makes the scene of a perturbed case, ``perturbation_code``
    hashes what it does so with, by perturbation and module, ``changes`` says which inputs each one changes;
    ``at_end`` adds to the finished rows what takes several of them, in the run's folder too.
    Everything that can be found wrong before the first picture is found then: unknown names, missing data, an absent
    device. Raises BokehBenchError for these.
    """
    device = check_device(request.device)
    use_torch_threads()
    renderers = {name: load_renderer(name) for name in request.renderers}
    devices = {name: choose_device(request.device, renderer) for name, renderer in renderers.items()}
    datasets = {name: load_dataset(name, request.data_root) for name in request.datasets}
    metrics = {name: load_metric(name) for name in request.metrics}
    processes = join_processes(device)
    with RunFolder.open(request.folder, processes) as run:
        contents = ContentTable()
        scored = any(severity for _, severity in severities)
        with processes.main_first():
            renderers = {name: complete(name, renderer) for name, renderer in renderers.items()}
            for dataset in datasets.values():
                prepare_dataset(dataset)
            planned = [_plan_dataset(name, d, scored, request.limit, contents) for name, d in datasets.items()]
        unavailable = _prepare_metrics(metrics, device, request.weights)
        metric_codes = {name: contents.add(_hash_metric(name, metric)) for name, metric in metrics.items()}
        cases = expand_cases(
            [_plan_renderer(name, renderer, devices[name], contents, changes) for name, renderer in renderers.items()],
            planned,
            severities,
            {name: contents.add(code) for name, code in perturbation_code.items()},
            seed=request.seed,
            dtype=request.dtype,
        )
        if not cases:
            needed = ": a sweep needs some with ground truth" if scored else ""
            raise InvalidOptionError(f"{', '.join(datasets)}: no scene to render{needed}")
        record = describe_run(request, device, severities, renderers, datasets, metrics, unavailable)
        environment = run.begin(record, cases, contents.entries, metric_codes, fresh=request.fresh)
        available = [metric for name, metric in metrics.items() if name not in unavailable]
        load = partial(_load_again, renderers)
        runner = Runner(run.folder, datasets, available, load, environment, perturb, processes, metric_codes)
        rows = runner.run(cases)
        if at_end:
            processes.wait()  # the others have read the rows
            rows = at_end(run.folder, rows, datasets) if processes.is_main else rows
        scenes = dict.fromkeys((case.dataset, case.scene) for case in cases)
        run.finish(runner.before, rows, collect_doubts(run.folder, scenes))
    processes.leave()
    return rows


def _load_again(renderers: Mapping[str, Renderer], name: str) -> Renderer:
    """Create a renderer for its cases, as often as they need one; what stands in for one stays."""
    planned = renderers[name]
    return planned if isinstance(planned, UnusableRenderer) else load_renderer(name)


def _plan_dataset(
    name: str, dataset: SceneDataset, scored: bool, limit: int | None, contents: ContentTable
) -> PlannedDataset:
    scenes = _choose_scenes(name, dataset, scored, limit)
    parts = _read_contents(name, dataset, scenes)
    code = contents.add(DATASETS.find(name).hash_code(dataset))
    return PlannedDataset(name=name, scenes={scene: contents.add(parts[scene]) for scene in scenes}, code=code)


def _read_contents(name: str, dataset: SceneDataset, scenes: list[str]) -> dict[str, dict[str, str]]:
    """Ask a data set for its contents. Raises DamagedDataError where they are no texts by name for each scene."""
    try:
        parts = dataset.contents(scenes)
    except BokehBenchError:
        raise
    except (Exception, SystemExit) as error:
        raise DamagedDataError(f"{name}: its contents cannot be had: {describe_error(error)}") from error
    for scene in scenes:
        found = parts.get(scene) if isinstance(parts, dict) else parts
        if not (isinstance(found, dict) and all(isinstance(text, str) for pair in found.items() for text in pair)):
            raise DamagedDataError(f"{name}: contents of '{scene}': expected texts by name, got {found!r:.60}")
    return parts


def _plan_renderer(
    name: str, renderer: Renderer, device: str, contents: ContentTable, changes: Mapping[str, Set[str]]
) -> PlannedRenderer:
    """Return a renderer of the plan; what writes its pictures belongs to its code.

    What stands for one that cannot be loaded has no code of its own.
    """
    plugin = None if isinstance(renderer, UnusableRenderer) else renderer
    return PlannedRenderer(
        name=name,
        weights=renderer.weights,
        device=device,
        code=contents.add(
            find_renderer(name).hash_code(plugin) | renderer.foreign_code() | hash_sources(files.__name__)
        ),
        blind_to={one for one, changed in changes.items() if changed.isdisjoint(renderer.capabilities.inputs)},
    )


def _hash_metric(name: str, metric: Metric) -> dict[str, str]:
    """Return what decides about a prepared metric's scores, by module; its weights are among it."""
    code = METRICS.find(name).hash_code(metric) | hash_sources(scoring.__name__)
    return code | ({"weights": metric.weights} if metric.weights else {})


def _prepare_metrics(metrics: dict[str, Metric], device: str, weights: Path | None) -> dict[str, str]:
    """Prepare the metrics. Returns why some of them cannot be computed here.

    What stands for a metric that is broken, and does not only lack its weights, takes its place in ``metrics``.
    """
    unavailable = {}
    for name, metric in list(metrics.items()):
        try:
            with keeping_folder():
                metric.prepare(device, weights)
            if not isinstance(metric.weights, str | None):
                raise TypeError(f"metric '{name}': weights: expected a text or None, got {metric.weights!r:.60}")
        except InvalidOptionError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - of damaged weights, or a plug-in's own
            unavailable[name] = describe_error(error)
            if not isinstance(error, MissingWeightsError):
                metrics[name] = UnusableMetric(name, error)
    return unavailable


def _choose_scenes(name: str, dataset: SceneDataset, scored: bool, limit: int | None) -> list[str]:
    """Return the names of a data set's scenes; ``scored``: of those with ground truth, as a sweep needs it."""
    names = list(dataset.scene_names())
    if not names and not is_helper():
        log.warning("%s: holds no scene", name)
    if scored:
        with_target = [scene for scene in names if _has_target(dataset, scene)]
        left_out = len(names) - len(with_target)
        if left_out and not is_helper():
            log.warning("%s: %d of %d scenes are left out: they have no ground truth", name, left_out, len(names))
        names = with_target
    return names[:limit]


def _has_target(dataset: SceneDataset, scene: str) -> bool:
    """Ask the data set; a scene of which it cannot say it stays in the plan, where loading it says why."""
    try:
        return dataset.has_target(scene)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        log.debug("%s/%s: %s", dataset.name, scene, error)
        return True


def check_device(device: str | None) -> str:
    """Return ``--device`` or the default. Raises InvalidOptionError for a device that is unknown or not here."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device_name(device) != "cpu":
        seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not seen:
            raise InvalidOptionError(f"--device {device}: torch {torch.__version__} sees no CUDA device: leave it out")
        if (torch.device(device).index or 0) >= seen:
            raise InvalidOptionError(f"--device {device}: there are {seen} CUDA devices here, counted from 0")
    return device


def choose_device(asked: str | None, renderer: Renderer) -> str:
    """Return the device a renderer runs on: the one asked for, else CUDA where both machine and renderer have it."""
    supported = renderer.capabilities.devices
    if asked is None:
        return "cuda" if "cuda" in supported and torch.cuda.is_available() else supported[0]
    if torch.device(asked).type not in supported:
        raise InvalidOptionError(f"--device {asked}: {renderer.name} runs on {', '.join(supported)} only: leave it out")
    return asked
