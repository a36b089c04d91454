"""Renders and scores cases one by one; what is finished is stored and never done again.

Rendering and scoring are two steps over a saved 8-bit picture: a metric added later scores the pictures that exist.
"""

import hashlib
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from .scene_record import record_perturbed, record_scene
from .store import SCHEMA, RowWriter, read_rows

Row = dict[str, Any]


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
            yield self._guarded(case, partial(self._score_again, case, rows[case.key]))
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
        return {**stored, "metrics": stored["metrics"] | metrics, "notes": stored["notes"] | notes}

    def _score(self, image: Tensor, scene: Scene) -> tuple[dict[str, float | None], dict[str, str]]:
        """Compare the 8-bit picture with the 8-bit target; a value that is not defined is None with a note."""
        if scene.target is None:
            return {}, {}
        picture = quantise(image.detach().to("cpu", torch.float32))
        reference = replace(scene, target=quantise(scene.target))
        scores: dict[str, float | None] = {}
        for metric in self.metrics:
            try:
                scores[metric.name] = metric.score(picture, reference)
            except Exception as error:
                error.add_note(f"while computing {metric.name}")
                raise
        return scores, {name: "not defined on this scene" for name, score in scores.items() if score is None}

    def _guarded(self, case: Case, work: Callable[[], Row]) -> Row:
        """Turn any error of one case into its row: a plug-in's bug must not cost the cases after it."""
        try:
            return work()
        except MissingWeightsError as error:
            return self._row(case, status="skipped", reason=str(error))
        except BokehBenchError as error:
            return self._row(case, status="failed", reason=_reason(error, str(error)))
        except (MemoryError, torch.OutOfMemoryError) as error:
            remedy = f"out of memory on {case.device}: use smaller images, --dtype float16, or another device"
            return self._row(case, status="failed", reason=_reason(error, remedy))
        except Exception as error:  # noqa: BLE001 - the row names it and keeps the traceback
            reason = _reason(error, f"{type(error).__name__}: {error}")
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

    def _is_finished(self, row: Row | None) -> bool:
        """Whether a stored row needs nothing more: rendered, its picture intact, every available metric scored."""
        if row is None or not self._has_image(row):
            return False
        return not self.datasets[row["dataset"]].scored or all(
            row["metrics"].get(metric.name) is not None or metric.name in row["notes"] for metric in self.metrics
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


def _reason(error: BaseException, message: str) -> str:
    """One line: the message and what was being done."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return " ".join(f"{message}{notes}".split())
