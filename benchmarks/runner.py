"""Renders and scores cases one by one; what is finished is stored and never done again.

Rendering and scoring are two steps over a saved 8-bit picture: a metric added later scores the pictures that exist.
"""

import hashlib
import math
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ..datasets.interface import SceneDataset
from ..renderers.errors import BokehBenchError, MissingWeightsError
from ..renderers.interface import Renderer, Scene
from .cases import UNPERTURBED, Case
from .files import read_image, safe_name, sha256_of, write_image
from .measure import measure
from .metrics.image_pair import quantise
from .metrics.interface import Metric
from .scene_record import read_record, record_perturbed, record_scene
from .store import SCHEMA, RowWriter, read_rows

Row = dict[str, Any]

UNDEFINED = "not defined on this scene"
FAILED = "failed: "
"""How the note of a metric starts that failed on a case; the next command tries it again."""


class Runner:
    """Brings every case of a plan to a row in ``folder``.

    ``metrics`` are prepared and available; ``environment`` is the id that rows carry; ``perturb`` gives a perturbed
    case's scene as the renderer sees it. A case that fails is a row with the reason, and the run goes on. The next
    command tries failed and skipped cases again, finished ones never.
    """

    def __init__(
        self,
        folder: Path,
        datasets: Mapping[str, SceneDataset],
        metrics: Sequence[Metric],
        load_renderer: Callable[[str], Renderer],
        environment: str,
        perturb: Callable[[Scene, Case], Scene] | None = None,
    ):
        self.folder = folder
        self.datasets = datasets
        self.metrics = metrics
        self.load_renderer = load_renderer
        self.environment = environment
        self.perturb = perturb

    def run(self, cases: Sequence[Case]) -> list[Row]:
        """Finish ``cases``, one renderer in memory at a time. Returns their rows, in order."""
        rows = read_rows(self.folder)
        self._mend_records(case for case in cases if self._has_image(rows.get(case.key)))
        pending = [case for case in cases if not self._is_finished(rows.get(case.key))]
        with RowWriter(self.folder) as writer, tqdm(total=len(cases), unit="case", dynamic_ncols=True) as progress:
            progress.update(len(cases) - len(pending))
            for name, group in groupby(pending, key=lambda case: case.renderer):
                progress.set_description(name)
                for row in self._run_renderer(list(group), rows):
                    writer.append(row)
                    rows[row["key"]] = row
                    progress.update()
        return [rows[case.key] for case in cases]

    def _run_renderer(self, cases: Sequence[Case], rows: Mapping[str, Row]) -> Iterator[Row]:
        """Yield the rows of one renderer's pending cases; it is loaded only if something is left to render."""
        rendered = [case for case in cases if self._has_image(rows.get(case.key))]
        for case in rendered:
            stored = rows[case.key]
            row = self._guarded(case, partial(self._score_again, case, stored))
            failed = {metric.name: f"{FAILED}{row['reason']}" for metric in self.metrics}
            yield row if row["status"] == "ok" else {**stored, "notes": failed | stored["notes"]}
        left = [case for case in cases if case not in rendered]
        if not left:
            return
        renderer = self.load_renderer(left[0].renderer)
        failure = self._guarded(left[0], partial(self._prepare, left[0], renderer))
        for case in left:
            if failure["status"] != "ok":
                yield failure | self._identity(case)
            else:
                yield self._guarded(case, partial(self._render, case, renderer))

    def _prepare(self, case: Case, renderer: Renderer) -> Row:
        renderer.prepare(case.device, case.dtype)
        return self._row(case, status="ok")

    def _render(self, case: Case, renderer: Renderer) -> Row:
        dataset = self.datasets[case.dataset]
        scene = dataset.load(case.scene)
        record_scene(self.folder, case.dataset, dataset.cluster(case.scene), scene)
        given = scene.without_target()
        disparity = None
        if case.perturbation != UNPERTURBED:
            assert self.perturb is not None, "a plan with perturbations comes with the function that makes them"  # noqa: S101
            given = self.perturb(given, case)
            disparity = record_perturbed(self.folder, case, scene, given)
        measured = measure(lambda: renderer.render(given, case.seed), renderer.device)
        image = _image_path(case)
        digest = write_image(self.folder / image, measured.result)
        metrics, notes = self._score(measured.result, scene)
        return self._row(
            case,
            status="ok",
            metrics=metrics,
            notes=notes,
            seconds=measured.seconds,
            peak_memory_mb=measured.peak_memory_mb,
            image=image.as_posix(),
            disparity=disparity,
            image_sha256=digest,
            weights=renderer.weights,
        )

    def _score_again(self, case: Case, stored: Row) -> Row:
        scene = self.datasets[case.dataset].load(case.scene)
        metrics, notes = self._score(read_image(self.folder / stored["image"]), scene)
        kept = {name: note for name, note in stored["notes"].items() if name not in metrics}
        return {**stored, "metrics": stored["metrics"] | metrics, "notes": kept | notes}

    def _score(self, image: Tensor, scene: Scene) -> tuple[dict[str, float | None], dict[str, str]]:
        """Compare the 8-bit picture with the 8-bit target; one without a value is None with a note that says why."""
        if scene.target is None:
            return {}, {}
        picture = quantise(image.detach().to("cpu", torch.float32))
        reference = replace(scene, target=quantise(scene.target))
        scores: dict[str, float | None] = {}
        notes: dict[str, str] = {}
        for metric in self.metrics:
            scores[metric.name], note = _apply(metric, picture, reference)
            if note:
                notes[metric.name] = note
        return scores, notes

    def _guarded(self, case: Case, work: Callable[[], Row]) -> Row:
        """Turn any error of one case into its row: a plug-in's bug must not cost the cases after it."""
        try:
            return work()
        except MissingWeightsError as error:
            return self._row(case, status="skipped", reason=str(error))
        except BokehBenchError as error:
            return self._row(case, status="failed", reason=_one_line(str(error)))
        except (MemoryError, torch.OutOfMemoryError):
            remedy = f"out of memory on {case.device}: use smaller images, --dtype float16, or another device"
            return self._row(case, status="failed", reason=remedy)
        except Exception as error:  # noqa: BLE001 - the row names it and keeps the traceback
            reason = _one_line(f"{type(error).__name__}: {error}")
            return self._row(case, status="failed", reason=reason, traceback=traceback.format_exc())

    def _identity(self, case: Case) -> Row:
        return {
            "schema": SCHEMA,
            "key": case.key,
            "dataset": case.dataset,
            "scene": case.scene,
            "renderer": case.renderer,
            "perturbation": case.perturbation,
            "severity": case.severity,
            "seed": case.seed,
            "device": case.device,
            "dtype": case.dtype,
            "weights": case.weights,
        }

    def _row(self, case: Case, *, status: str, **values: Any) -> Row:
        outcome: Row = {
            "status": status,
            "reason": None,
            "metrics": {},
            "notes": {},
            "seconds": None,
            "peak_memory_mb": None,
            "image": None,
            "image_sha256": None,
            "disparity": None,
            "environment": self.environment,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        return self._identity(case) | outcome | values

    def _mend_records(self, finished: Iterable[Case]) -> None:
        """Write the record of a finished case's scene again where it was lost or damaged."""
        for name, scene in dict.fromkeys((case.dataset, case.scene) for case in finished):
            if read_record(self.folder, name, scene) is None:
                dataset = self.datasets[name]
                record_scene(self.folder, name, dataset.cluster(scene), dataset.load(scene))

    def _is_finished(self, row: Row | None) -> bool:
        """Whether a stored row needs nothing more: rendered, its picture intact, every available metric scored."""
        if row is None or not self._has_image(row):
            return False
        return not self.datasets[row["dataset"]].scored or all(
            row["metrics"].get(metric.name) is not None or row["notes"].get(metric.name) == UNDEFINED
            for metric in self.metrics
        )

    def _has_image(self, row: Row | None) -> bool:
        if row is None or row["status"] != "ok":
            return False
        path = self.folder / row["image"]
        return path.is_file() and sha256_of(path) == row["image_sha256"]


def _image_path(case: Case) -> Path:
    """One picture per key; the key's hash keeps devices, seeds, weights and severities apart."""
    digest = hashlib.sha256(case.key.encode()).hexdigest()[:12]
    name = f"{safe_name(case.renderer)}-{digest}.png"
    return Path("images", safe_name(case.dataset), safe_name(case.scene), name)


def _apply(metric: Metric, picture: Tensor, reference: Scene) -> tuple[float | None, str | None]:
    """Return a metric's value, or None with the reason: a metric's bug must not cost the picture."""
    try:
        value = metric.score(picture, reference)
    except Exception as error:  # noqa: BLE001 - the row names it
        return None, _one_line(f"{FAILED}{type(error).__name__}: {error}")
    if value is None:
        return None, UNDEFINED
    return (float(value), None) if math.isfinite(value) else (None, f"{FAILED}gave {float(value)}")


def _one_line(message: str) -> str:
    return " ".join(message.split())
