"""The ablation page: the paper's Table 2 with our numbers, the printed ones beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...benchmarks.published.tables import ABLATIONS, METRICS, PROTOCOLS, SOURCE, PublishedRow, published_ablations
from ...benchmarks.run.store import StoredRun
from ..files.assets import Assets
from ..files.export import Links, Sheet, export_sheet
from ..parts.cells import Cell
from ..parts.numbers import ABSENT, write_signed
from ..parts.tables import ScoreTable, build_table, covers_everything, find_clusters

Row = dict[str, Any]

COMPLETE = ABLATIONS["complete model"]
FAMILY = "bokehdiff"


@dataclass(frozen=True)
class Printed:
    """A published number and its change against the complete model, as text."""

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
    """Our numbers on one data set; ``same_protocol`` where the paper's are from the same data and protocol."""

    dataset: str
    table: ScoreTable
    lines: list[AblationLine]
    same_protocol: bool
    links: Links


def describe_ablations(run: StoredRun, rows: Sequence[Row], assets: Assets) -> dict[str, Any] | None:
    """Return the page's context; None where the run has fewer than two renderers of the family."""
    renderers = [name for name in run.meta["renderers"] if name.partition("@")[0].startswith(FAMILY)]
    if len(renderers) < 2:
        return None
    published = published_ablations()
    tables = []
    for number, (dataset, about) in enumerate(run.meta["datasets"].items(), 1):
        mine = [row for row in rows if row["dataset"] == dataset and row["renderer"] in renderers]
        clusters = find_clusters(run, dataset, mine)
        reference = next((name for name in renderers if name.partition("@")[0] == COMPLETE), None)
        table = build_table(mine, renderers, run.meta["metrics"], clusters, reference) if about["scored"] else None
        if table:
            lines = _lines(table, published)
            links = export_sheet(assets, f"ablations-{number}", _sheet(dataset, table, lines))
            same = PROTOCOLS.get(dataset) == published[0].dataset and covers_everything(run)
            tables.append(AblationTable(dataset, table, lines, same, links))
    printed = [(name, unit, up) for key, (name, unit, up) in METRICS.items() if key in _printed_metrics(published)]
    trainings = [(name, run.meta["renderers"][name].get("training") or "not stated") for name in renderers]
    return {
        "trainings": trainings,
        "tables": tables,
        "printed_metrics": printed,
        "source": f"{SOURCE}, Table 2",
        "data": published[0].dataset,
    }


def _lines(table: ScoreTable, published: Sequence[PublishedRow]) -> list[AblationLine]:
    """Return Table 2's settings in its order, then our renderers that it does not have."""
    by_name: dict[str, list[Any]] = {}
    for row in table.rows:
        by_name.setdefault(row.renderer.partition("@")[0], []).append(row)
    metrics = _printed_metrics(published)
    lines = []
    for paper in published:
        printed = [_print(paper, published[-1], name) for name in metrics]
        ours = by_name.pop(ABLATIONS[paper.setting], [])
        lines += [_line(paper.setting, row, table, printed) for row in ours]
        if not ours:
            absent = [Cell(ABSENT, note="not in this run") for _ in table.columns]
            lines.append(AblationLine(paper.setting, "", absent, [""] * len(absent), [""] * len(absent), printed))
    nothing = [Printed(ABSENT, "") for _ in metrics]
    return lines + [_line("not in the paper", row, table, nothing) for rows in by_name.values() for row in rows]


def _line(setting: str, row: Any, table: ScoreTable, printed: list[Printed]) -> AblationLine:
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


def _print(paper: PublishedRow, complete: PublishedRow, name: str) -> Printed:
    value, whole = paper.scores[name], complete.scores[name]
    change = "" if value is None or whole is None or value == whole else write_signed(value - whole, METRICS[name][1])
    return Printed(paper.printed[name] or ABSENT, change)


def _printed_metrics(published: Sequence[PublishedRow]) -> list[str]:
    return [name for name in METRICS if any(row.scores[name] is not None for row in published)]


def _sheet(dataset: str, table: ScoreTable, lines: Sequence[AblationLine]) -> Sheet:
    names = [column.name for column in table.columns]
    paper = [f"paper_{name}" for name in _printed_metrics(published_ablations())]
    scores: Mapping[str, dict[str, float | None]] = {row.setting: row.scores for row in published_ablations()}
    return Sheet(
        caption=f"Ablations on {dataset}; numbers of the paper ({SOURCE}, Table 2) are published, not measured here.",
        head=["setting", "renderer", *names, *paper],
        values=[
            [
                line.setting,
                line.renderer,
                *(cell.value for cell in line.cells),
                *(scores.get(line.setting, {}).get(name.removeprefix("paper_")) for name in paper),
            ]
            for line in lines
        ],
        printed_head=["Setting", *names, *(f"{METRICS[name.removeprefix('paper_')][0]} (published)" for name in paper)],
        printed=[[line.setting, *(c.text for c in line.cells), *(p.text for p in line.printed)] for line in lines],
    )
