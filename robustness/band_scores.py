"""PSNR within the wrong band and outside it, of every picture of a sweep and of the one from the true map.

Everything is read from the run's folder, where maps are kept in 16 bits and pictures as they were scored: nothing is
rendered, and no data set is needed. What the best correction of the map could gain a renderer is known without another
render, since with the true map inside the band the whole map is the true one.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.metrics.pixelwise import to_decibels
from ..benchmarks.run.band_schema import WrongBand
from ..benchmarks.run.cases import UNPERTURBED
from ..benchmarks.run.reuse import digest_parts
from ..benchmarks.run.row_files import RowWriter, merge_parts
from ..benchmarks.run.scene_record import read_scene_record, scene_folder
from ..benchmarks.run.schema import Row, SceneRecord
from ..core.errors import BokehBenchError
from ..core.files import read_image, read_map
from ..core.progress import ProgressBar
from ..core.sources import hash_sources
from ..core.text import one_line
from .wrong_band import find_wrong_band

log = logging.getLogger(__name__)

Errors = NDArray[np.float32]


def store_band_scores(folder: Path, rows: Sequence[Row]) -> list[Row]:
    """Add ``wrong_band`` to those of a sweep's ``rows`` that can have it, in the run in ``folder`` too.

    Only where the map is wrong and the picture is not; what was measured before is kept unless the picture from the
    true map or the code of the measure changed. Returns the rows in their order. Raises CannotWriteError.
    """
    code = digest_parts(hash_sources(__name__))
    truths = {_renderer_and_scene(row): row for row in rows if row["perturbation"] == UNPERTURBED and _is_ok(row)}
    due = [row for row in rows if _is_due(row, truths.get(_renderer_and_scene(row)), code)]
    done = {}
    if due:
        merge_parts(folder)
        with RowWriter(folder) as writer:
            for row in _measure(folder, due, truths, code):
                writer.append(row)
                done[row["key"]] = row
    return [done.get(row["key"], row) for row in rows]


def _is_due(row: Row, truth: Row | None, code: str) -> bool:
    if truth is None or not _is_ok(row) or row["disparity"] is None or row["input"] is not None:
        return False
    measured = row["wrong_band"]
    if measured is None:
        return True
    return (measured["true_image_sha256"], measured["measured_by"]) != (truth["image_sha256"], code)


def _is_ok(row: Row) -> bool:
    return row["status"] == "ok" and row["image"] is not None


def _renderer_and_scene(row: Row) -> tuple[object, ...]:
    return row["dataset"], row["scene"], row["renderer"], row["seed"], row["device"], row["dtype"], row["weights"]


def _measure(folder: Path, due: Iterable[Row], truths: Mapping[tuple[object, ...], Row], code: str) -> Iterator[Row]:
    """Yield the rows with their scores, map by map; scenes whose files cannot be read are named in a warning."""
    by_map = sorted(due, key=lambda row: (row["dataset"], row["scene"], str(row["disparity"])))
    progress = ProgressBar(by_map, desc="wrong band", unit="picture", leave=False)
    for (dataset, scene), group in groupby(progress, key=lambda row: (row["dataset"], row["scene"])):
        try:
            files = SceneFiles(folder, dataset, scene)
            for row in group:
                yield {**row, "wrong_band": files.score(row, truths[_renderer_and_scene(row)], code)}
        except (BokehBenchError, OSError, ValueError) as error:
            log.warning("%s / %s: no scores within the wrong band: %s", dataset, scene, one_line(str(error)))


class SceneFiles:
    """What a run keeps of a scene; the last band and the errors of pictures from the true map are kept."""

    def __init__(self, folder: Path, dataset: str, scene: str):
        record = read_scene_record(folder, dataset, scene)
        if record is None:
            raise FileNotFoundError(f"{scene_folder(folder, dataset, scene)}: no record of the scene")
        self.folder = folder
        self._to_radius = partial(_radius_px, record)
        place = scene_folder(folder, dataset, scene)
        self._target = read_image(place / "target.png").numpy()
        self._true_radius_px = self._to_radius(place / "disparity.png")
        self._last_band: tuple[str, NDArray[np.bool_]] | None = None
        self._true_errors: dict[str, Errors] = {}

    def score(self, row: Row, truth: Row, code: str) -> WrongBand:
        """Score a row's picture and the ``truth``'s, the same renderer's from the true map, in the row's band."""
        band = self._band(str(row["disparity"]))
        own, true = self._error(str(row["image"])), self._true_error(str(truth["image"]))
        return {
            "share": float(band.mean()),
            "inside": _psnr(own[band]),
            "outside": _psnr(own[~band]),
            "true_inside": _psnr(true[band]),
            "true_outside": _psnr(true[~band]),
            "true_image_sha256": str(truth["image_sha256"]),
            "measured_by": code,
        }

    def _band(self, path: str) -> NDArray[np.bool_]:
        if self._last_band is None or self._last_band[0] != path:
            self._last_band = path, find_wrong_band(self._true_radius_px, self._to_radius(self.folder / path))
        return self._last_band[1]

    def _true_error(self, path: str) -> Errors:
        if path not in self._true_errors:
            self._true_errors[path] = self._error(path)
        return self._true_errors[path]

    def _error(self, path: str) -> Errors:
        """Return the squared error of each pixel, the mean over RGB."""
        return np.square(read_image(self.folder / path).numpy() - self._target).mean(axis=0)


def _radius_px(record: SceneRecord, path: Path) -> NDArray[np.float32]:
    """Read a stored map, which is as large as the renders, as signed blur radii in their px."""
    low, high = record["disparity_range"]
    strength = record.get("scale", 1) * record["blur_strength"]
    return (strength * (low + (high - low) * read_map(path) - record["focus_disparity"])).astype(np.float32)


def _psnr(errors: Errors) -> float | None:
    """Return the PSNR over some pixels; None over none."""
    return to_decibels(float(errors.sum(dtype=np.float64)) / errors.size) if errors.size else None
