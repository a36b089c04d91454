"""What renderers that are given the picture alone guess, beside their floors: a table of its own below the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from ...benchmarks.run.schema import Row
from ..files.export import Number, Sheet
from .cells import Cell, Column, Measure, compare_measures
from .numbers import ABSENT, write_count

IOU = "IoU in focus", "of the pixels that are blurred by at most 2 px, guessed and true"
RANKS = "rank correlation", "Spearman's, of guessed and true radii: is what is blurred more blurred more?"
FIELDS = "in_focus_iou", "rank_correlation", "strength_ratio"


@dataclass(frozen=True)
class GuessLine:
    """A renderer's guesses: means of the columns, and the ratio of the radii, which is right at 1."""

    renderer: str
    cells: list[Cell]
    ratio: Cell


@dataclass(frozen=True)
class GuessTable:
    """The guesses of one data set's renderers; ``columns`` are those of ``GuessLine.cells``."""

    basis: str
    columns: list[Column]
    lines: list[GuessLine]


def build_guesses(rows: Sequence[Row], renderers: Sequence[str], clusters: Mapping[str, str]) -> GuessTable | None:
    """Build the table of one data set's unperturbed ``rows``; None where none of ``renderers`` says what it guesses.

    ``clusters`` names the independent unit of each scene.
    """
    guesses = [
        {"renderer": row["renderer"], "scene": row["scene"], **guess}
        for row in rows
        if row["status"] == "ok" and row["renderer"] in renderers and (guess := row.get("guess"))
    ]
    if not guesses:
        return None
    table = pd.DataFrame(guesses)
    names = [name for name in renderers if name in set(table["renderer"])]
    maps = [
        table.astype({field: float}).pivot_table(index="scene", columns="renderer", values=field, dropna=False)
        for field in FIELDS
    ]
    maps = [values.reindex(columns=names) for values in maps]
    measures = [
        Measure(name, "", True, about, values) for (name, about), values in zip((IOU, RANKS), maps[:2], strict=True)
    ]
    counts = {name: int((table["renderer"] == name).sum()) for name in names}
    grid = compare_measures(measures, names, clusters, None, counts)
    return GuessTable(
        basis=f"Guesses on {write_count(len(maps[0]), 'scene')}",
        columns=grid.columns,
        lines=[GuessLine(name, grid.cells[name], _write_ratio(maps[2][name])) for name in names],
    )


def guess_sheet(table: GuessTable, dataset: str) -> Sheet:
    """Return the table to download."""
    head = [part for name in FIELDS[:2] for part in (name, f"{name}_low", f"{name}_high")]
    values: list[list[Number]] = []
    for line in table.lines:
        numbers: list[Number] = [line.renderer]
        for cell in line.cells:
            numbers += [cell.value, cell.bounds and cell.bounds.low, cell.bounds and cell.bounds.high]
        values.append([*numbers, line.ratio.value])
    return Sheet(
        caption=f"{dataset}. {table.basis} by renderers that are given the picture alone.",
        head=["renderer", *head, "strength_ratio_median"],
        values=values,
        printed_head=["Renderer", *(column.name for column in table.columns), "ratio of radii"],
        printed=[[line.renderer, *(cell.text for cell in line.cells), line.ratio.text] for line in table.lines],
    )


def _write_ratio(ratios: "pd.Series[float]") -> Cell:
    """Write the median over scenes, with the middle half of the scenes below."""
    known = ratios.dropna()
    if known.empty:
        return Cell(ABSENT, note="nothing is truly blurred by more than 2 px")
    low, middle, high = (cast(float, known.quantile(share)) for share in (0.25, 0.5, 0.75))
    return Cell(f"{middle:.2f}", middle, interval=f"{low:.2f} \N{EN DASH} {high:.2f}")
