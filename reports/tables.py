"""Rows to table data: which scenes are compared, and every number as text beside its value.

Means, intervals and comparisons come from ``benchmarks.statistics``; only medians of times are taken here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..benchmarks.statistics import Comparison, Interval, RendererScore, compare_renderers
from .numbers import ABSENT, write_count, write_score, write_seconds

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A metric; ``scenes`` is how many scenes it compares, fewer than the table's where it is not defined on all."""

    name: str
    unit: str
    higher_is_better: bool
    description: str
    scenes: int


@dataclass(frozen=True)
class Cell:
    """A renderer's mean with its interval, as text and as positions in [0,1] on the column's axis.

    ``standing`` is ``best``, ``tied`` (not distinguishable from the best) or empty. Without a ``value`` the ``note``
    says why.
    """

    text: str
    value: float | None = None
    interval: str = ""
    difference: str = ""
    standing: str = ""
    positions: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class TableRow:
    """A renderer's line; ``seconds`` is the median over the compared scenes."""

    renderer: str
    weights: str | None
    cells: list[Cell]
    seconds: float | None
    seconds_text: str
    finished: int
    tried: int
    unfinished: str


@dataclass(frozen=True)
class ScoreTable:
    """One data set's table. ``paired_scenes`` counts the scenes on which every renderer with any result succeeded."""

    basis: str
    columns: list[Column]
    rows: list[TableRow]
    paired_scenes: int
    notes: list[str]


def build_table(
    rows: Sequence[Row], renderers: Sequence[str], metrics: Mapping[str, Mapping[str, Any]], clusters: Mapping[str, str]
) -> ScoreTable | None:
    """Build the table of one data set's unperturbed ``rows``; None where no case has finished.

    ``renderers`` and ``metrics`` (name to its entry in run.json) give the order of lines and columns; ``clusters``
    names the independent unit of each scene. Unavailable metrics get a note instead of a column.
    """
    finished = pd.DataFrame([row for row in rows if row["status"] == "ok"])
    if finished.empty:
        return None
    scenes = find_paired_scenes(finished)
    comparisons = {
        name: compare_renderers(_pivot(finished, name, scenes, renderers), clusters, metric["higher_is_better"])
        for name, metric in metrics.items()
        if metric["available"]
    }
    return ScoreTable(
        basis=_describe_basis(rows, scenes, clusters),
        columns=[_column(name, metrics[name], comparison.scenes) for name, comparison in comparisons.items()],
        rows=[_row(name, rows, finished, scenes, comparisons, metrics) for name in renderers],
        paired_scenes=len(scenes),
        notes=_notes(rows, renderers, comparisons, metrics),
    )


def find_paired_scenes(finished: pd.DataFrame) -> list[str]:
    """Return the scenes on which every renderer succeeded, of those that finished anything, in the rows' order."""
    renderers = finished["renderer"].nunique()
    counts = finished.groupby("scene", sort=False)["renderer"].nunique()
    return list(counts.index[counts == renderers])


def _pivot(finished: pd.DataFrame, metric: str, scenes: Sequence[str], renderers: Sequence[str]) -> pd.DataFrame:
    """Return a metric as scenes x renderers, NaN where it has no value."""
    values = finished.assign(value=[scores.get(metric) for scores in finished["metrics"]])
    table = values.pivot(index="scene", columns="renderer", values="value").astype(float)
    return table.reindex(index=list(scenes), columns=list(renderers))


def _column(name: str, metric: Mapping[str, Any], scenes: int) -> Column:
    return Column(name, metric["unit"], metric["higher_is_better"], metric["description"], scenes)


def _row(
    renderer: str,
    rows: Sequence[Row],
    finished: pd.DataFrame,
    scenes: Sequence[str],
    comparisons: Mapping[str, Comparison],
    metrics: Mapping[str, Mapping[str, Any]],
) -> TableRow:
    mine = [row for row in rows if row["renderer"] == renderer]
    done = finished[finished["renderer"] == renderer]
    times = done.loc[done["scene"].isin(scenes), "seconds"].dropna()
    seconds = float(times.median()) if len(times) else None
    by_status = pd.Series([row["status"] for row in mine if row["status"] != "ok"], dtype=object).value_counts()
    return TableRow(
        renderer=renderer,
        weights=describe_weights(mine),
        cells=[_cell(renderer, comparisons[name], metrics[name]["unit"], len(done)) for name in comparisons],
        seconds=seconds,
        seconds_text=write_seconds(seconds),
        finished=len(done),
        tried=len(mine),
        unfinished=", ".join(f"{count} {status}" for status, count in by_status.items()),
    )


def describe_weights(rows: Iterable[Row]) -> str | None:
    """Return the weights that made these rows, None where nothing was trained."""
    return ", ".join(dict.fromkeys(row["weights"] for row in rows if row["weights"])) or None


def _cell(renderer: str, comparison: Comparison, unit: str, finished: int) -> Cell:
    score = next((score for score in comparison.scores if score.renderer == renderer), None)
    if score is None:
        return Cell(ABSENT, note=_explain_absence(comparison, finished))
    tied = score.difference_interval is not None and not score.distinguishable
    return Cell(
        text=write_score(score.mean, unit),
        value=score.mean,
        interval=_write_interval(score.interval, unit),
        difference="" if renderer == comparison.best else _write_difference(score, unit),
        standing="best" if renderer == comparison.best else "tied" if tied else "",
        positions=_place(score, comparison),
    )


def _explain_absence(comparison: Comparison, finished: int) -> str:
    if finished == 0:
        return "no case finished"
    if comparison.scores:
        return "this metric has no value for this renderer"
    return comparison.warning or "no value"


def _write_interval(interval: Interval | None, unit: str) -> str:
    if interval is None:
        return ""
    return f"{write_score(interval.low, unit)} \N{EN DASH} {write_score(interval.high, unit)}"


def _write_difference(score: RendererScore, unit: str) -> str:
    """Write the signed difference to the best renderer with its interval."""
    sign = "+" if score.difference > 0 else ""
    bounds = _write_interval(score.difference_interval, unit)
    return f"{sign}{write_score(score.difference, unit)}" + (f" ({bounds})" if bounds else "")


def _place(score: RendererScore, comparison: Comparison) -> tuple[float, float, float] | None:
    """Return low, mean and high on an axis from the column's lowest bound to its highest."""
    intervals = [other.interval for other in comparison.scores if other.interval]
    if score.interval is None or not intervals:
        return None
    low, high = min(i.low for i in intervals), max(i.high for i in intervals)
    span = high - low or 1.0
    first, middle, last = (
        round((value - low) / span, 4) for value in (score.interval.low, score.mean, score.interval.high)
    )
    return first, middle, last


def _describe_basis(rows: Sequence[Row], scenes: Sequence[str], clusters: Mapping[str, str]) -> str:
    tried = len({row["scene"] for row in rows})
    units = len({clusters[scene] for scene in scenes})
    independent = f", {units} of them independent" if units != len(scenes) else ""
    if len(scenes) == tried:
        return f"Means over all {write_count(tried, 'scene')}{independent}"
    return (
        f"Means over the {len(scenes)} of {write_count(tried, 'scene')} on which every renderer succeeded{independent}"
    )


def _notes(
    rows: Sequence[Row],
    renderers: Sequence[str],
    comparisons: Mapping[str, Comparison],
    metrics: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Say what limits the table: rough intervals, renderers that failed, metrics that lack values."""
    warnings: dict[str, list[str]] = {}
    for name, comparison in comparisons.items():
        if comparison.warning:
            warnings.setdefault(comparison.warning, []).append(name)
    notes = [
        text.capitalize() + ("." if len(names) == len(comparisons) else f" ({', '.join(names)}).")
        for text, names in warnings.items()
    ]
    finished = {row["renderer"] for row in rows if row["status"] == "ok"}
    notes += [
        f"{name} finished no case, so it is left out of the means and of the choice of scenes."
        for name in renderers
        if name not in finished
    ]
    absent = [name for name, metric in metrics.items() if not metric["available"]]
    if absent:
        notes.append(f"Not computed: {', '.join(absent)}. The reasons stand under “What did not work”.")
    return notes
