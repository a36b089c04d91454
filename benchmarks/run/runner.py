"""Renders and scores cases one by one; what is finished is stored and never done again.

Rendering and scoring are two steps over a saved 8-bit picture: a metric added later scores the pictures that exist.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from torch import Tensor

from ...core.errors import DISK_FULL, CannotWriteError
from ...core.files import is_intact, read_image, write_image
from ...core.forks import one_process
from ...core.scene import Scene
from ...core.streams import keeping_streams
from ...core.text import one_line
from ...core.torch_state import keeping_torch_state
from ...core.working_folder import keeping_folder
from ...datasets.interface import SceneDataset
from ...renderers.interface import Renderer
from ..metrics.agreement import judge_guess
from ..metrics.interface import Metric
from .cases import UNPERTURBED, Case
from .loading import load_planned
from .measure import measure
from .outcomes import describe_outcome
from .processes import Processes
from .progress import CaseBar, guess_seconds
from .ready import make_ready
from .restore import restore_scenes
from .row_files import RowWriter, read_rows
from .rows import describe_case, drop_outdated, image_path, make_row, make_storable
from .scene_record import record_perturbed, record_scene
from .schema import Row
from .scoring import FAILED, Scorer

T = TypeVar("T")

MORE_MEMORY = "use smaller images, --dtype float16, or another device"
"""What to do where memory runs out."""


@dataclass(frozen=True)
class Loaded:
    """A scene, what the renderer gets to see of it, and what its row says of perturbed inputs that are stored."""

    scene: Scene
    given: Scene
    perturbed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rendered:
    """A case's scene, its picture (3,H,W) float32 on the CPU, and its row short of scores and the file's hash."""

    scene: Scene
    picture: Tensor
    row: Row


class Runner:
    """Brings every case of a plan to a row in ``folder``.

    ``metrics`` are prepared and available; ``environment`` is the id that rows carry; ``perturb`` gives a perturbed
    case's scene as the renderer sees it; ``processes`` share the plan; ``metric_codes``: a digest of each metric's code
    and weights, by name: scores of others are computed again. A case that fails or is skipped is a row with
    the reason, and the run goes on. The next command tries failed cases again and asks whether skipped ones still are;
    finished ones are left alone. ``before``: the rows that ``run`` found, by key.
    """

    def __init__(
        self,
        folder: Path,
        datasets: Mapping[str, SceneDataset],
        metrics: Sequence[Metric],
        load_renderer: Callable[[str], Renderer],
        environment: str,
        perturb: Callable[[Scene, Case], Scene] | None = None,
        processes: Processes | None = None,
        metric_codes: Mapping[str, str] = MappingProxyType({}),
    ):
        self.folder = folder
        self.datasets = datasets
        self.metrics = metrics
        self.load_renderer = load_renderer
        self.environment = environment
        self.perturb = perturb
        self.processes = processes or Processes()
        self.before: Mapping[str, Row] = {}
        self._scorer = Scorer(metrics, metric_codes)
        self._recorded: set[tuple[str, str]] = set()
        self._last_scene: tuple[tuple[str, str], Future[Scene]] | None = None
        self._choosing = threading.Lock()

    def run(self, cases: Sequence[Case]) -> list[Row]:
        """Finish ``cases``, one renderer in memory at a time. Returns their rows, in order.

        Several processes share what is left to do; each returns when all are done.
        """
        rows = read_rows(self.folder)
        self.before = dict(rows)
        rendered = {case.key for case in cases if self._has_image(rows.get(case.key))}
        pending = [case for case in cases if case.key not in rendered or not self._is_scored(case, rows[case.key])]
        self.processes.wait()  # all have read what is stored, so they list the same cases, and none has added to it
        if self.processes.is_main:
            finished = [(case, rows[case.key]) for case in cases if case.key in rendered]
            restore_scenes(self.folder, finished, self.datasets, self._load_scene, self.perturb)
        share = self.processes.share(pending)
        if self.processes.count == 1:
            make_ready([case for case in share if case.key not in rendered], self.datasets, self.load_renderer)
        by_key = {case.key: case for case in share}
        with RowWriter(self.folder, self.processes.index) as writer, self._bar(len(cases), share) as progress:
            for name, group in groupby(share, key=lambda case: case.renderer):
                progress.begin(name)
                for row in self._run_renderer(list(group), rows, rendered):
                    if row is not rows.get(row["key"]):
                        row = make_storable(by_key[row["key"]], row)
                        writer.append(row)
                    rows[row["key"]] = row
                    progress.finish(name)
        if self.processes.count > 1:
            self.processes.wait()
            rows = read_rows(self.folder)
        return [rows[case.key] for case in cases]

    def _bar(self, total: int, share: Sequence[Case]) -> CaseBar:
        """Return the progress bar; under a launcher the main process shows its own share."""
        names = [case.renderer for case in share]
        return CaseBar(total, names, guess_seconds(names, self.load_renderer), show=self.processes.is_main)

    def _run_renderer(self, cases: Sequence[Case], rows: Mapping[str, Row], rendered: set[str]) -> Iterator[Row]:
        """Yield the rows of one renderer's pending cases; it is loaded only if a case is left that it does not skip."""
        for case in (case for case in cases if case.key in rendered):
            stored = rows[case.key]
            row = self._guarded(case, partial(self._score_again, case, stored))
            failed = row["status"] != "ok"
            yield drop_outdated(stored, self._scorer.codes, f"{FAILED}{row['reason']}") if failed else row
        left = [case for case in cases if case.key not in rendered]
        if not left:
            return
        renderer = self.load_renderer(left[0].renderer)
        while left and (skipped := self._skipped(left[0], renderer)):
            earlier = rows.get(left.pop(0).key)
            yield earlier if earlier and _same_outcome(earlier, skipped) else skipped
        if not left:
            return
        failure = self._guarded(left[0], partial(self._prepare, left[0], renderer))
        if failure["status"] == "ok":
            yield from self._render_cases(left, renderer)
        else:
            yield from (cast(Row, failure | describe_case(case)) for case in left)

    def _render_cases(self, cases: Sequence[Case], renderer: Renderer) -> Iterator[Row]:
        """Render one case after the other while threads load the next scene and write the last picture.

        A render on the CPU has the CPU for itself, since its time and memory are measured: there the threads work
        between two renders, beside the metrics.
        """
        undisturbed = renderer.device.type == "cpu"
        with ThreadPoolExecutor(2) as threads:
            loads = (threads.submit(self._load, case) for case in cases)  # each starts when it is asked for
            loading: Future[Loaded] | None = next(loads)
            finish: Callable[[], Row] | None = None
            for case in cases:
                if undisturbed and finish:
                    yield finish()
                    finish = None
                current, loading = loading, None
                if not undisturbed:
                    loading = next(loads, None)
                outcome = self._guarded(case, partial(self._render, case, renderer, current))
                if undisturbed:
                    loading = next(loads, None)
                if finish:
                    yield finish()
                finish = self._save_and_score(case, outcome, threads)
            if finish:
                yield finish()

    def _skipped(self, case: Case, renderer: Renderer) -> Row | None:
        """Return the row of a case that its renderer, which may not be prepared, skips; None where it has to try."""
        outcome = self._guarded(case, lambda: renderer.skip(self._load_scene(case).without_target()))
        if isinstance(outcome, str):
            return self._row(case, status="skipped", reason=one_line(outcome))
        return None  # an error is met again where the case is tried

    def _prepare(self, case: Case, renderer: Renderer) -> Row:
        renderer.prepare(case.device, case.dtype)
        return self._row(case, status="ok")

    def _load(self, case: Case) -> Loaded:
        scene = self._load_scene(case)
        if (case.dataset, case.scene) not in self._recorded:
            dataset = self.datasets[case.dataset]
            cluster, data = dataset.cluster(case.scene), case.made_of.scene
            record_scene(self.folder, case.dataset, cluster, scene, data, dataset.photographs)
            self._recorded.add((case.dataset, case.scene))
        given = scene.without_target()
        if case.perturbation == UNPERTURBED:
            return Loaded(scene, given)
        assert self.perturb is not None, "a plan with perturbations comes with the function that makes them"  # noqa: S101
        given = self.perturb(given, case)
        return Loaded(scene, given, record_perturbed(self.folder, case, scene, given))

    def _load_scene(self, case: Case) -> Scene:
        """Return a case's true scene; the last one is kept, since a sweep asks for it at every severity."""
        name = (case.dataset, case.scene)
        with self._choosing:  # two threads may load at a time, but not the same scene
            last = self._last_scene
            loads = last is None or last[0] != name
            if loads:
                self._last_scene = last = name, Future()
        assert last is not None  # noqa: S101
        if loads:
            try:
                with keeping_folder():
                    scene = load_planned(self.datasets[case.dataset], case)
                last[1].set_result(scene)
            except BaseException as error:  # noqa: BLE001 - whoever asks for the scene gets it
                last[1].set_exception(error)
        return last[1].result()

    def _render(self, case: Case, renderer: Renderer, loading: Future[Loaded] | None) -> Rendered | Row:
        assert loading is not None, "there is one load a case"  # noqa: S101
        loaded = loading.result()
        with keeping_torch_state():
            given = renderer.accept(loaded.given)
            measured = measure(lambda: renderer.render_accepted(given, case.seed), renderer.device)
            picture = renderer.check(measured.result, given)
            guess = judge_guess(renderer, given.image, loaded.scene) if case.perturbation == UNPERTURBED else None
        cost = renderer.cost or measured
        row = self._row(
            case,
            status="ok",
            seconds=cost.seconds,
            peak_memory_mb=cost.peak_memory_mb,
            image=image_path(case).as_posix(),
            weights=renderer.weights,
            backend=renderer.backend,
            guess=guess and guess.to_json(),
            **loaded.perturbed,
        )
        return Rendered(loaded.scene, picture.detach().to("cpu"), row)

    def _save_and_score(self, case: Case, outcome: Rendered | Row, threads: Executor) -> Callable[[], Row]:
        """Score a picture while a thread writes it. Returns what waits for the file and gives the row."""
        if not isinstance(outcome, Rendered):
            return lambda: outcome
        saving = threads.submit(write_image, self.folder / image_path(case), outcome.picture)
        scored = self._guarded(case, lambda: self._scorer.score(outcome.picture, outcome.scene))
        if not isinstance(scored, tuple):
            return lambda: scored
        row = outcome.row | {"metrics": scored[0], "notes": scored[1], "scored_by": self._scorer.codes}
        return lambda: self._guarded(case, lambda: row | {"image_sha256": saving.result()})

    def _score_again(self, case: Case, stored: Row) -> Row:
        scene = self._load_scene(case)
        metrics, notes = self._scorer.score(read_image(self.folder / str(stored["image"])), scene)
        kept = {name: note for name, note in stored["notes"].items() if name not in metrics}
        scored_by = stored.get("scored_by", {}) | self._scorer.codes
        return {**stored, "metrics": stored["metrics"] | metrics, "notes": kept | notes, "scored_by": scored_by}

    def _guarded(self, case: Case, work: Callable[[], T]) -> T | Row:
        """Turn any error of one case into its row: a plug-in's bug must not cost the cases after it.

        Raises CannotWriteError, which every case after it would meet again.
        """
        try:
            with keeping_folder(), keeping_streams(), one_process(case.renderer):
                return work()
        except (CannotWriteError, KeyboardInterrupt):
            raise
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise CannotWriteError(error.filename, error) from error
            return self._row(case, **describe_outcome(error, case.device, MORE_MEMORY))

    def _row(self, case: Case, *, status: str, **values: Any) -> Row:
        return make_row(case, self.environment, status=status, **values)

    def _is_scored(self, case: Case, row: Row) -> bool:
        """Whether every available metric has looked at a stored picture."""
        return not self.datasets[case.dataset].scored or self._scorer.has_scored(row)

    def _has_image(self, row: Row | None) -> bool:
        if row is None or row["status"] != "ok" or row["image"] is None:
            return False
        return is_intact(self.folder / row["image"], row["image_sha256"])


def _same_outcome(first: Row, second: Row) -> bool:
    return (first["status"], first["reason"]) == (second["status"], second["reason"])
