"""One benchmark command: from names to a stored run."""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.scene import Scene
from ...datasets.catalogue import load_dataset
from ...datasets.interface import SceneDataset
from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from ..metrics.interface import Metric
from ..metrics.registry import METRICS, load_metric
from .cases import UNPERTURBED, Case, expand_cases
from .environment import describe_environment
from .launch import is_helper
from .processes import join_processes
from .run_record import continue_record, describe_run, merge_records, now
from .runner import Row, Runner
from .store import discard_run, locked, merge_parts, read_meta, run_folder, write_meta

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a benchmark command asks for. ``device`` None means CUDA where PyTorch sees it, else the CPU.

    ``data_root``: folder of the user's own copies of data sets.
    """

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
    weights: Path | None = None
    data_root: Path | None = None
    command: str = ""


def run_benchmark(settings: Settings, perturb: Callable[[Scene, Case], Scene] | None = None) -> list[Row]:
    """Render and score what ``settings`` asks for; the run is stored in DIR/results/RUN. Returns the plan's rows.

    ``perturb`` makes the scene of a perturbed case.
    Everything that can be found wrong before the first picture is found then: unknown names, missing data, an absent
    device. Raises BokehBenchError for these.
    """
    folder = run_folder(settings.output, settings.run)
    device = check_device(settings.device)
    renderers = {name: load_renderer(name) for name in settings.renderers}
    devices = {name: choose_device(settings.device, renderer) for name, renderer in renderers.items()}
    datasets = {name: load_dataset(name, settings.data_root) for name in settings.datasets}
    for name in settings.metrics:
        METRICS.find(name)
    processes = join_processes(device)
    with ExitStack() as held:
        processes.main_first(lambda: _hold_run(held, folder, datasets, renderers))
        if not processes.is_main:
            _complete(datasets, renderers)
        metrics, unavailable = _prepare_metrics(settings.metrics, device, settings.weights)
        cases = expand_cases(
            [(name, renderer.weights, devices[name]) for name, renderer in renderers.items()],
            [(name, d.version, _choose_scenes(name, d, settings)) for name, d in datasets.items()],
            settings.perturbations,
            blind=[name for name, r in renderers.items() if "disparity" not in r.capabilities.inputs],
            seed=settings.seed,
            dtype=settings.dtype,
        )
        if not cases:
            raise InvalidOptionError(f"{', '.join(datasets)}: no scene to render: a sweep needs some with ground truth")
        processes.main_first(lambda: _tidy_run(folder, settings.fresh))
        environment, surroundings = describe_environment()
        everywhere = dict(processes.gather((environment, surroundings)))
        record = describe_run(asdict(settings) | {"device": device}, renderers, datasets, metrics, unavailable)
        record["plan"] = [case.key for case in cases]
        earlier = read_meta(folder)
        record = continue_record(earlier, record)
        environments = {"environments": earlier.get("environments", {}) | everywhere}
        processes.main_first(lambda: write_meta(folder, merge_records(earlier, record, cases) | environments))
        start = time.perf_counter()
        rows = Runner(folder, datasets, metrics, load_renderer, environment, perturb, processes).run(cases)
        record |= {"finished": now(), "seconds": round(time.perf_counter() - start, 3)}
        processes.main_first(lambda: write_meta(folder, merge_records(earlier, record, cases) | environments))
    processes.leave()
    return rows


def _hold_run(
    held: ExitStack, folder: Path, datasets: Mapping[str, SceneDataset], renderers: Mapping[str, Renderer]
) -> None:
    """Hold the run until the end of the command and bring data and weights into order."""
    held.enter_context(locked(folder))
    _complete(datasets, renderers)


def _tidy_run(folder: Path, fresh: bool) -> None:
    """Bring the run into order, once nothing can refuse the command any more: ``fresh`` discards what is stored."""
    if fresh:
        discard_run(folder)
    merge_parts(folder)


def _complete(datasets: Mapping[str, SceneDataset], renderers: Mapping[str, Renderer]) -> None:
    """Make or fetch what the plan's keys name: a data set's version, a renderer's weights."""
    for dataset in datasets.values():
        dataset.prepare()
    for renderer in renderers.values():
        with suppress(Exception):  # preparing the renderer meets it again: its cases say the reason
            renderer.fetch()


def _choose_scenes(name: str, dataset: SceneDataset, settings: Settings) -> list[str]:
    """Return the names of a data set's scenes; a sweep, which is all about scores, leaves out those without target."""
    names = list(dataset.scene_names())
    if any(severity for _, severity in settings.perturbations):
        scored = [scene for scene in names if dataset.has_target(scene)]
        if len(scored) < len(names) and not is_helper():
            left_out = len(names) - len(scored)
            log.warning("%s: %d of %d scenes are left out: they have no ground truth", name, left_out, len(names))
        names = scored
    return names[: settings.limit]


def check_device(device: str | None) -> str:
    """Return ``--device`` or the default. Raises InvalidOptionError for a device that is unknown or not here."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise InvalidOptionError(f"--device '{device}': expected cpu, cuda or cuda:N")
    if device != "cpu":
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
