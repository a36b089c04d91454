"""A stored run as a table: ``bokehbench.benchmarks.results.read(RUN)``."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import InvalidOptionError
from ..request import run_folder
from ..run.store import RUN_FILE, StoredRun

if TYPE_CHECKING:
    import pandas as pd

CASE = (
    *("dataset", "scene", "cluster", "renderer", "perturbation", "severity", "seed"),
    *("device", "dtype", "weights", "status", "reason"),
)
BAND = ("share", "inside", "outside", "true_inside", "true_outside")
COST = ("seconds", "peak_memory_mb", "image", "input", "disparity", "backend", "environment", "time")


def read(
    run: str | PathLike[str] = "default", output: str | PathLike[str] = ".", *, sweep: bool = False
) -> "pd.DataFrame":
    """Return the rows of a run that count as a pandas DataFrame, one case a line in the order of the command.

    ``run``: the folder of a run (which has a run.json), or a run's name below ``output``/results. ``output``: the
    current folder where it is left out, while run_bench.py without ``--output`` writes beside itself, wherever it is
    started. A case that was made several times, because data, weights or metrics changed, is there once: as it was made
    last. ``sweep``: the cases of the last robustness sweep in place of those of the last benchmark.

    Columns:

    - ``dataset, scene, renderer, perturbation, severity, seed, device, dtype, weights``: the case. ``perturbation`` is
      ``none`` and ``severity`` 0 where nothing is perturbed. ``cluster``: scenes of the same one are no
      independent evidence; a scene by itself is its own; missing where the scene's record is lost.
    - ``status``: ``ok``, ``failed`` or ``skipped``; ``reason``: why, where it is not ``ok``.
    - one column a metric, under its name, float64: NaN where it has no value, as on cases that are not ``ok`` and where
      only other code of the metric, or of other weights, has scored the picture.
    - of a sweep ``band_share, band_inside, band_outside, band_true_inside, band_true_outside``: the part of the picture
      that wrong disparity reaches, and PSNR in dB, see ``WrongBand``; NaN where there is none.
    - ``seconds`` of one render, ``peak_memory_mb`` in MiB, NaN where unknown; ``image, input, disparity``: the scored
      picture, the perturbed picture and the perturbed map, paths within the run's folder; ``backend, environment,
      time``: how, where (an entry of run.json's ``environments``) and when, UTC.

    A row that cannot be read is left out, and a warning names it. Raises InvalidOptionError where no run is stored, a
    metric has the name of another column, or ``sweep`` is asked of a run without one.
    """
    import pandas as pd

    stored = StoredRun.open(_find(run, Path(output)).resolve(), "output=DIR")
    if sweep and "sweep" not in stored.meta:
        raise InvalidOptionError(f"{stored.folder}: no robustness sweep is stored here: run --robustness first")
    rows = stored.sweep if sweep else stored.rows
    metrics = list(stored.meta["sweep"]["metrics"] if sweep else stored.meta["metrics"])
    bands = [f"band_{name}" for name in BAND] if sweep else []
    taken = set(metrics) & {*CASE, *bands, *COST}
    if taken:
        raise InvalidOptionError(f"{stored.folder}: a metric has the name of a column: {', '.join(sorted(taken))}")
    units = stored.find_units(rows)
    lines = [
        {
            **row,
            "cluster": units[row["dataset"], row["scene"]] or None,
            **row["metrics"],
            **{f"band_{name}": value for name, value in (row["wrong_band"] or {}).items()},
        }
        for row in rows
    ]
    floats = dict.fromkeys(["severity", *metrics, *bands, "seconds", "peak_memory_mb"], "float64")
    return pd.DataFrame(lines, columns=[*CASE, *metrics, *bands, *COST]).astype(floats)


def _find(run: str | PathLike[str], output: Path) -> Path:
    """Return the folder of a run that is given by its folder or its name."""
    folder = Path(run)
    return folder if (folder / RUN_FILE).exists() else run_folder(output, str(run))
