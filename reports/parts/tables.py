"""Rows to table data: which scenes are compared, and every number as text beside its value.

Means, intervals and comparisons come from ``benchmarks``; only medians of times are taken here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...benchmarks.run.schema import Row
from ...benchmarks.run.store import UNKNOWN_UNIT, StoredRun
from ..files.export import Number, Sheet
from .basis import find_scored_scenes, write_basis
from .cells import Cell, Column, Grid, Measure, TestLine, compare_measures
from .numbers import write_seconds

ARROWS = {True: "\N{UPWARDS ARROW}", False: "\N{DOWNWARDS ARROW}"}


@dataclass(frozen=True)
class TableRow:
    """A renderer's line; ``seconds`` is the median over the compared scenes; ``apart``: see ``build_table``."""

    renderer: str
    weights: str | None
    cells: list[Cell]
    seconds: float | None
    seconds_text: str
    finished: int
    tried: int
    unfinished: str
    apart: bool


@dataclass(frozen=True)
class ScoreTable:
    """One data set's table. ``scored_scenes`` counts the scenes that means are over: see ``find_scored_scenes``;
    ``measures`` hold the values behind the columns, ``tests`` every renderer against ``reference``; ``absent`` names
    the metrics that were not computed, each with the section of the page of results that says why.
    """

    basis: str
    columns: list[Column]
    rows: list[TableRow]
    scored_scenes: int
    measures: list[Measure]
    reference: str | None
    tests: list[TestLine]
    notes: list[str]
    absent: dict[str, str]


def build_table(
    rows: Sequence[Row],
    renderers: Sequence[str],
    metrics: Mapping[str, Mapping[str, Any]],
    clusters: Mapping[str, str],
    reference: str | None = None,
    apart: Collection[str] = (),
) -> ScoreTable | None:
    """Build the table of one data set's unperturbed ``rows``; None where no case has finished.

    ``renderers`` and ``metrics`` (name to its entry in run.json) give the order of lines and columns; ``clusters``
    names the independent unit of each scene; ``reference`` is the renderer that the others are tested against. Those
    ``apart`` are given less of a scene than the others: they stand last, and a note says so.
    Unavailable metrics are ``absent`` instead of a column. Several seeds of a case are averaged.
    """
    finished = pd.DataFrame([row for row in rows if row["status"] == "ok"])
    if finished.empty:
        return None
    renderers = sorted(renderers, key=lambda name: name in apart)
    scenes = find_paired_scenes(finished)
    measures = [
        Measure(name, metric["unit"], metric["higher_is_better"], metric["description"], values)
        for name, metric in metrics.items()
        if metric["available"]
        for values in [pivot(finished, name, scenes, renderers)]
    ]
    counts = {name: int((finished["renderer"] == name).sum()) for name in renderers}
    grid = compare_measures(measures, renderers, clusters, reference, counts)
    scored = find_scored_scenes(measures)
    tried = len({row["scene"] for row in rows})
    return ScoreTable(
        basis=write_basis(tried, scored, grid.columns, clusters, len(scenes)),
        columns=grid.columns,
        rows=[_row(name, rows, finished, scored or scenes, grid.cells[name], name in apart) for name in renderers],
        scored_scenes=len(scored),
        measures=measures,
        reference=grid.reference,
        tests=grid.tests,
        notes=grid.warnings + _notes(rows, renderers, apart),
        absent={n: "problems" if m.get("broken") else "made" for n, m in metrics.items() if not m["available"]},
    )


def find_paired_scenes(finished: pd.DataFrame) -> list[str]:
    """Return the scenes on which every renderer succeeded, of those that finished anything, in the rows' order."""
    renderers = finished["renderer"].nunique()
    counts = finished.groupby("scene", sort=False)["renderer"].nunique()
    return list(counts.index[counts == renderers])


def pivot(finished: pd.DataFrame, metric: str, scenes: Sequence[str], renderers: Sequence[str]) -> pd.DataFrame:
    """Return a metric as scenes x renderers, averaged over seeds, NaN where it has no value."""
    values = finished.assign(value=[scores.get(metric) for scores in finished["metrics"]]).dropna(subset="value")
    table = values.astype({"value": float}).pivot_table(index="scene", columns="renderer", values="value")
    return table.reindex(index=list(scenes), columns=list(renderers)).astype(float)


def find_clusters(run: StoredRun, dataset: str, rows: Sequence[Row]) -> dict[str, str]:
    """Return the independent unit of every scene of a data set's ``rows``: see ``join_unknown``."""
    units = run.find_units([row for row in rows if row["dataset"] == dataset])
    return join_unknown({scene: unit for (_, scene), unit in units.items()})


def join_unknown(clusters: Mapping[str, str]) -> dict[str, str]:
    """Return the units; where one is unknown, it may be any other, so that all scenes are of UNKNOWN_UNIT.

    A single unit has no interval and no test, and the warnings say why.
    """
    return dict.fromkeys(clusters, UNKNOWN_UNIT) if UNKNOWN_UNIT in clusters.values() else dict(clusters)


def covers_everything(run: StoredRun) -> bool:
    """Whether the run took whole data sets: means over their first scenes are not those of a published protocol."""
    return run.meta["settings"]["limit"] is None


def _row(
    renderer: str, rows: Sequence[Row], finished: pd.DataFrame, scenes: Sequence[str], cells: list[Cell], apart: bool
) -> TableRow:
    mine = [row for row in rows if row["renderer"] == renderer]
    done = finished[finished["renderer"] == renderer]
    times = done.loc[done["scene"].isin(scenes), "seconds"].dropna()
    seconds = float(times.median()) if len(times) else None
    by_status = pd.Series([row["status"] for row in mine if row["status"] != "ok"], dtype=object).value_counts()
    return TableRow(
        renderer=renderer,
        weights=describe_weights(mine),
        cells=cells,
        seconds=seconds,
        seconds_text=write_seconds(seconds),
        finished=len(done),
        tried=len(mine),
        unfinished=", ".join(f"{count} {status}" for status, count in by_status.items()),
        apart=apart,
    )


def describe_weights(rows: Iterable[Row]) -> str | None:
    """Return the weights that made these rows, None where nothing was trained."""
    return ", ".join(dict.fromkeys(row["weights"] for row in rows if row["weights"])) or None


def _notes(rows: Sequence[Row], renderers: Sequence[str], apart: Collection[str]) -> list[str]:
    """Say what limits the table: renderers that failed, and those that are given less."""
    finished = {row["renderer"] for row in rows if row["status"] == "ok"}
    notes = [
        f"{name} finished no case, so it is left out of the means and of the choice of scenes."
        for name in renderers
        if name not in finished
    ]
    if apart:
        notes.append(
            f"{', '.join(apart)}: given neither disparity nor focus, so apart, last in the table. What such a "
            "renderer keeps sharp, and mostly how far it blurs, is its own choice; the scores count that against it. "
            "Their floors are identity, the input, and centre-focus, one blur around a sharp middle."
        )
    seeds = len({row["seed"] for row in rows})
    if seeds > 1:
        notes.append(f"Every scene was rendered with {seeds} seeds; its score is their mean.")
    return notes


def score_sheet(table: ScoreTable, dataset: str) -> Sheet:
    """Return the table to download."""
    head = ["renderer", "weights"]
    for column in table.columns:
        head += [column.name, f"{column.name}_low", f"{column.name}_high", f"{column.name}_scenes"]
    values = []
    for row in table.rows:
        line: list[Number] = [row.renderer, row.weights]
        for column, cell in zip(table.columns, row.cells, strict=True):
            line += [cell.value, *_bounds(cell), column.scenes]
        values.append([*line, row.seconds, row.finished, row.tried])
    arrows = [f"{c.name} {ARROWS[c.higher_is_better]}" for c in table.columns]
    return Sheet(
        caption=f"{dataset}. {table.basis}.",
        head=[*head, "seconds_median", "cases_finished", "cases_tried"],
        values=values,
        printed_head=["Renderer", *arrows, "time"],
        printed=[[row.renderer, *(cell.text for cell in row.cells), row.seconds_text] for row in table.rows],
        bold=frozenset(
            (line, column)
            for line, row in enumerate(table.rows)
            for column, cell in enumerate(row.cells, 1)
            if cell.standing == "best"
        ),
    )


def comparison_sheet(tests: Sequence[TestLine], reference: str, where: str) -> Sheet:
    """Return the tests against the reference to download."""
    numbers = [line.test for line in tests]
    return Sheet(
        caption=f"{where}: paired differences to {reference}; sign-flip test, corrected for all pairs.",
        head=["measure", "renderer", "reference", "difference", "low", "high", "p", "p_all_pairs", "effect",
              "win_rate"],
        values=[
            [_plain(line.measure), line.renderer, reference, t.difference,
             t.interval and t.interval.low, t.interval and t.interval.high, t.p_value, t.adjusted, t.effect, t.win_rate]
            for line, t in zip(tests, numbers, strict=True)
        ],
        printed_head=["Measure", "Renderer", f"Difference to {reference}", "p", "p (all pairs)", "effect", "wins"],
        printed=[[t.measure, t.renderer, t.difference, t.p_value, t.adjusted, t.effect, t.win_rate] for t in tests],
    )  # fmt: skip


def grid_sheet(where: str, grid: Grid, widths: Mapping[str, Cell]) -> Sheet:
    """Return the numbers that sum up degradation curves to download."""
    names = [*(column.name for column in grid.columns), "interquartile width"]
    plain = [_plain(name) for name in names]
    lines = {name: [*cells, widths[name]] for name, cells in grid.cells.items()}
    return Sheet(
        caption=f"{where}: means over scenes with 95 % intervals",
        head=["renderer", *(part for name in plain for part in (name, f"{name} low", f"{name} high"))],
        values=[
            [name, *(number for cell in cells for number in (cell.value, *_bounds(cell)))]
            for name, cells in lines.items()
        ],
        printed_head=["Renderer", *names],
        printed=[[name, *(cell.text for cell in cells)] for name, cells in lines.items()],
    )


def _plain(name: str) -> str:
    """Return a measure's name for programs: with the minus sign of a keyboard."""
    return name.replace("\N{MINUS SIGN}", "-")


def _bounds(cell: Cell) -> tuple[float | None, float | None]:
    return (cell.bounds.low, cell.bounds.high) if cell.bounds else (None, None)
