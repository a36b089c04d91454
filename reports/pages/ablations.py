"""The ablation page: a paper's table of ablations with our numbers, the printed ones beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...benchmarks.published.papers import AblationSpec, Paper, PrintedMetric, PublishedRow, read_papers
from ...benchmarks.run.schema import Row
from ...benchmarks.run.store import StoredRun
from ..files.assets import Assets
from ..files.export import Links, Sheet, export_sheet
from ..parts.cells import Cell
from ..parts.numbers import ABSENT, write_signed
from ..parts.tables import ScoreTable, TableRow, build_table, covers_everything, find_clusters

UNPRINTED = "not in the paper"


@dataclass(frozen=True)
class Printed:
    """A published number (None where the paper has none), and its change against the complete model, as text."""

    value: float | None
    text: str
    change: str


@dataclass(frozen=True)
class AblationLine:
    """A setting: our renderer's cells and changes against our complete model, and the paper's numbers."""

    setting: str
    renderer: str
    cells: list[Cell]
    changes: list[str]
    verdicts: list[str]
    printed: list[Printed]


@dataclass(frozen=True)
class AblationTable:
    """Our numbers on one data set; ``same_protocol`` where the paper's are from the same data and protocol.

    ``verdict``: what leaving each part out changes, a sentence; empty where the complete model is not in the run.
    """

    dataset: str
    table: ScoreTable
    lines: list[AblationLine]
    same_protocol: bool
    verdict: str
    links: Links


@dataclass(frozen=True)
class Family:
    """One paper's ablations: a table for each data set, and how our variants were trained."""

    method: str
    number: int
    source: str
    data: str
    metrics: list[PrintedMetric]
    tables: list[AblationTable]
    trainings: list[tuple[str, str]]


def describe_ablations(
    run: StoredRun, rows: Sequence[Row], assets: Assets, papers: Sequence[Paper] | None = None
) -> dict[str, Any] | None:
    """Return the page's context; None where the run has no two renderers of any family that ``papers`` ablate."""
    families: list[Family] = []
    for paper in read_papers() if papers is None else papers:
        spec = paper.spec.ablations
        renderers = [name for name in run.meta["renderers"] if spec and spec.includes(name)]
        if spec and len(renderers) > 1:
            first = 1 + sum(len(family.tables) for family in families)
            families.append(AblationWriter(paper, spec, run, assets).describe(renderers, rows, first))
    return {"families": families} if families else None


class AblationWriter:
    """Sets our renderers into one paper's table, for one data set after the other."""

    def __init__(self, paper: Paper, spec: AblationSpec, run: StoredRun, assets: Assets):
        self.paper = paper
        self.spec = spec
        self.run = run
        self.assets = assets
        self.complete = next(row for row in paper.ablations if row.setting == spec.complete)
        self.metrics = {
            name: metric
            for name, metric in paper.spec.metrics.items()
            if metric.stands_beside(run.meta["metrics"])
            and any(row.scores[name] is not None for row in paper.ablations)
        }

    def describe(self, renderers: Sequence[str], rows: Sequence[Row], first: int) -> Family:
        """Describe the family; its tables' files are numbered from ``first``."""
        tables: list[AblationTable] = []
        for dataset, about in self.run.meta["datasets"].items():
            mine = [row for row in rows if row["dataset"] == dataset and row["renderer"] in renderers]
            table = self._compare(dataset, mine, renderers) if about["scored"] else None
            if table:
                lines = self._lines(table)
                name = f"ablations-{first + len(tables)}"
                links = export_sheet(self.assets, name, self._sheet(dataset, table, lines))
                same = self.paper.spec.protocols.get(dataset) == self.complete.dataset and covers_everything(self.run)
                tables.append(AblationTable(dataset, table, lines, same, _judge(dataset, table, lines), links))
        about_all = self.run.meta["renderers"]
        return Family(
            method=self.paper.spec.method,
            number=self.spec.table,
            source=f"{self.paper.spec.source}, Table {self.spec.table}",
            data=self.complete.dataset,
            metrics=list(self.metrics.values()),
            tables=tables,
            trainings=[(name, about_all[name]["training"] or "not stated") for name in renderers],
        )

    def _compare(self, dataset: str, rows: Sequence[Row], renderers: Sequence[str]) -> ScoreTable | None:
        reference = next((name for name in renderers if name.partition("@")[0] == self.spec.reference), None)
        return build_table(rows, renderers, self.run.meta["metrics"], find_clusters(self.run, dataset, rows), reference)

    def _lines(self, table: ScoreTable) -> list[AblationLine]:
        """Return the paper's settings in its order, then our renderers that it does not have."""
        by_name: dict[str, list[TableRow]] = {}
        for row in table.rows:
            by_name.setdefault(row.renderer.partition("@")[0], []).append(row)
        lines = []
        for printed in self.paper.ablations:
            numbers = [self._print(printed, name) for name in self.metrics]
            ours = by_name.pop(self.spec.renderers[printed.setting], [])
            lines += [_line(printed.setting, row, table, numbers) for row in ours]
            if not ours:
                absent = [Cell(ABSENT, note="not in this run") for _ in table.columns]
                nothing = [""] * len(absent)
                lines.append(AblationLine(printed.setting, "", absent, nothing, nothing, numbers))
        unprinted = [Printed(None, ABSENT, "") for _ in self.metrics]
        return lines + [_line(UNPRINTED, row, table, unprinted) for rows in by_name.values() for row in rows]

    def _print(self, row: PublishedRow, name: str) -> Printed:
        value, whole = row.scores[name], self.complete.scores[name]
        same = value is None or whole is None or value == whole
        change = "" if same else write_signed(value - whole, self.metrics[name].unit)
        return Printed(value, row.printed[name] or ABSENT, change)

    def _sheet(self, dataset: str, table: ScoreTable, lines: Sequence[AblationLine]) -> Sheet:
        names = [column.name for column in table.columns]
        source = f"{self.paper.spec.source}, Table {self.spec.table}"
        return Sheet(
            caption=f"Ablations on {dataset}; numbers of the paper ({source}) are published, not measured here.",
            head=["setting", "renderer", *names, *(f"paper_{name}" for name in self.metrics)],
            values=[
                [line.setting, line.renderer, *(c.value for c in line.cells), *(p.value for p in line.printed)]
                for line in lines
            ],
            printed_head=["Setting", *names, *(f"{metric.printed} (published)" for metric in self.metrics.values())],
            printed=[[line.setting, *(c.text for c in line.cells), *(p.text for p in line.printed)] for line in lines],
        )


def _judge(dataset: str, table: ScoreTable, lines: Sequence[AblationLine]) -> str:
    """Say by the first metric which settings the tests tell from the complete model, and by how much they differ."""
    by_verdict: dict[str, list[str]] = {}
    for line in lines:
        if line.renderer and line.verdicts and line.verdicts[0]:
            name = line.renderer if line.setting == UNPRINTED else line.setting
            change, unit = line.changes[0].partition(" (")[0], table.columns[0].unit
            by_verdict.setdefault(line.verdicts[0], []).append(f"{name} {change} {unit}".rstrip())
    if not by_verdict:
        return ""
    found = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in sorted(by_verdict.items(), reverse=True))
    return f"{dataset}, {table.columns[0].name} against the complete model ({table.reference}): {found}."


def _line(setting: str, row: TableRow, table: ScoreTable, printed: list[Printed]) -> AblationLine:
    tests = {(line.measure, line.renderer): line for line in table.tests}
    found = [tests.get((column.name, row.renderer)) for column in table.columns]
    return AblationLine(
        setting=setting,
        renderer=row.renderer,
        cells=row.cells,
        changes=[line.difference if line else "" for line in found],
        verdicts=[line.verdict if line else "" for line in found],
        printed=printed,
    )
