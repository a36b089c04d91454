"""One benchmark command: from names to a stored run."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.launch import is_helper
from ...core.scene import Scene
from ...datasets.catalogue import load_dataset
from ...datasets.interface import SceneDataset
from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from ..metrics.interface import Metric
from ..metrics.registry import load_metric
from ..option_values import device_name
from ..request import RunRequest
from .cases import UNPERTURBED, Case, expand_cases
from .processes import join_processes
from .run_folder import RunFolder
from .run_record import describe_run
from .runner import Row, Runner

log = logging.getLogger(__name__)

Severities = Sequence[tuple[str, float]]
"""Perturbations and how severe each is."""


def run_benchmark(
    request: RunRequest,
    severities: Severities = ((UNPERTURBED, 0),),
    perturb: Callable[[Scene, Case], Scene] | None = None,
) -> list[Row]:
    """Render and score what ``request`` asks for; the run is stored in DIR/results/RUN. Returns the cases' rows.

    Every scene is rendered at ``severities``; ``perturb`` makes the scene of a perturbed case.
    Everything that can be found wrong before the first picture is found then: unknown names, missing data, an absent
    device. Raises BokehBenchError for these.
    """
    device = check_device(request.device)
    renderers = {name: load_renderer(name) for name in request.renderers}
    devices = {name: choose_device(request.device, renderer) for name, renderer in renderers.items()}
    datasets = {name: load_dataset(name, request.data_root) for name in request.datasets}
    metrics = {name: load_metric(name) for name in request.metrics}
    processes = join_processes(device)
    with RunFolder.open(request.folder, processes) as run:
        with processes.main_first():
            _complete(renderers.values(), datasets.values())
        unavailable = _prepare_metrics(metrics, device, request.weights)
        scored = any(severity for _, severity in severities)
        cases = expand_cases(
            [(name, renderer.weights, devices[name]) for name, renderer in renderers.items()],
            [(name, d.version, _choose_scenes(name, d, scored, request.limit)) for name, d in datasets.items()],
            severities,
            blind=[name for name, r in renderers.items() if "disparity" not in r.capabilities.inputs],
            seed=request.seed,
            dtype=request.dtype,
        )
        if not cases:
            raise InvalidOptionError(f"{', '.join(datasets)}: no scene to render: a sweep needs some with ground truth")
        record = describe_run(request, device, severities, renderers, datasets, metrics, unavailable)
        environment = run.begin(record, cases, fresh=request.fresh)
        available = [metric for name, metric in metrics.items() if name not in unavailable]
        rows = Runner(run.folder, datasets, available, load_renderer, environment, perturb, processes).run(cases)
        run.finish()
    processes.leave()
    return rows


def _complete(renderers: Iterable[Renderer], datasets: Iterable[SceneDataset]) -> None:
    """Make or fetch what the keys of cases name: a renderer's weights, a data set's version.

    Weights that cannot be had are met again when the renderer is prepared: its cases then say the reason.
    """
    for renderer in renderers:
        try:
            renderer.fetch()
        except InvalidOptionError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            log.debug("%s: %s", renderer.name, error)
    for dataset in datasets:
        dataset.prepare()


def _prepare_metrics(metrics: Mapping[str, Metric], device: str, weights: Path | None) -> dict[str, str]:
    """Prepare the metrics. Returns why some of them cannot be computed here."""
    unavailable = {}
    for name, metric in metrics.items():
        try:
            metric.prepare(device, weights)
        except MissingWeightsError as error:
            unavailable[name] = str(error)
    return unavailable


def _choose_scenes(name: str, dataset: SceneDataset, scored: bool, limit: int | None) -> list[str]:
    """Return the names of a data set's scenes; ``scored``: of those with ground truth, as a sweep needs it."""
    names = list(dataset.scene_names())
    if scored:
        with_target = [scene for scene in names if dataset.has_target(scene)]
        left_out = len(names) - len(with_target)
        if left_out and not is_helper():
            log.warning("%s: %d of %d scenes are left out: they have no ground truth", name, left_out, len(names))
        names = with_target
    return names[:limit]


def check_device(device: str | None) -> str:
    """Return ``--device`` or the default. Raises InvalidOptionError for a device that is unknown or not here."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device_name(device) != "cpu":
        seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not seen:
            raise InvalidOptionError(f"--device {device}: torch {torch.__version__} sees no CUDA device: use cpu")
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
