"""A sweep as a paper prints it: renderers x severities of one axis in one metric, and the mean over the axis."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from ...benchmarks.run.cases import UNPERTURBED
from ...benchmarks.run.schema import Row
from ...benchmarks.run.store import UNKNOWN_UNIT, StoredRun
from ...core.text import printable
from ...robustness.curves import Degradation, repeat_blind, severity_on_axis
from ...robustness.perturbations.interface import Perturbation
from ...robustness.perturbations.registry import PERTURBATIONS, load_perturbation
from ..files.export import Sheet, escape_latex, write_csv
from .cells import Measure, compare_measures
from .markdown import code, text, write_table
from .numbers import ABSENT, write_count, write_severity
from .paper import EXPLANATION, PaperColumn, rank_column, write_latex_cell, write_markdown_cell
from .run_facts import takes
from .severity_axis import write_signs
from .tables import ARROWS, find_clusters

MEAN = "mean"
NO_VERDICT = f"no *, no verdict ({ABSENT}), and the best mean decides nothing."
TOO_FEW = f"The scenes are too few for that test: {NO_VERDICT}"
UNKNOWN = f"Which scenes are independent is unknown: {NO_VERDICT}"


@dataclass(frozen=True)
class RobustnessTable:
    """One metric along one axis: a column for each of ``severities``, the last one the mean over the axis.

    ``rows`` are those that it was made of, on this axis.
    """

    dataset: str
    perturbation: Perturbation
    metric: str
    renderers: list[str]
    severities: list[float]
    columns: list[PaperColumn]
    rows: list[Row]
    clusters: Mapping[str, str]
    scenes: str
    protocol: str

    @property
    def caption(self) -> str:
        """What the numbers are."""
        mean = self.columns[-1]
        unit = f", {mean.unit}" if mean.unit else ""
        few = "" if mean.can_decide else f" {TOO_FEW if mean.known else UNKNOWN}"
        return (
            f"{self.metric}{unit} {ARROWS[mean.higher_is_better]} on {self.dataset} along {self.perturbation.label}; "
            f"{write_signs(self.perturbation)} Means over {self.scenes}; mean: the area under a scene's curve over the "
            f"length of the axis, and its verdict against the best. {EXPLANATION}{few} Protocol: {self.protocol}."
        )

    def judge(self, renderer: str) -> str:
        """Say what the test of the mean over the axis finds of a renderer against the best."""
        mean = self.columns[-1]
        cell = mean.cells[renderer]
        if not mean.can_decide:
            return ABSENT
        if cell.value == mean.best:
            return "best"
        return "not distinguishable" if cell.standing == "tied" else "worse"


def make_robustness_tables(
    run: StoredRun, renderers: Collection[str] = (), metrics: Collection[str] = ()
) -> list[RobustnessTable]:
    """Sum up every axis of a run's sweep in every metric; ``renderers`` and ``metrics``: these alone, else all.

    Empty where the run has no sweep. An axis that no scene has whole in the renderers shown is left out, and so are
    perturbations that are not known here.
    """
    sweep = run.meta.get("sweep")
    if not sweep:
        return []
    swept = dict.fromkeys(name for name, severity in sweep["settings"]["perturbations"] if severity)
    axes = [
        (dataset, load_perturbation(name))
        for dataset, about in sweep["datasets"].items()
        if about["scored"]
        for name in swept
        if name in PERTURBATIONS.entries
    ]
    wanted = {
        name: one for name, one in sweep["metrics"].items() if one["available"] and (not metrics or name in metrics)
    }
    names = [name for name in sweep["renderers"] if not renderers or name in renderers]
    return [table for dataset, one in axes for table in _make_tables(run, dataset, one, names, wanted)]


def _make_tables(
    run: StoredRun,
    dataset: str,
    perturbation: Perturbation,
    names: Sequence[str],
    metrics: Mapping[str, Any],
) -> Iterator[RobustnessTable]:
    about = run.meta["sweep"]["renderers"]
    rows = [row for row in run.sweep if row["dataset"] == dataset and row["renderer"] in names]
    blind = {name for name in names if not takes(about[name]["capabilities"], perturbation.changes)}
    rows = repeat_blind(rows, blind, perturbation.name)
    rows = [row for row in rows if row["perturbation"] in (UNPERTURBED, perturbation.name) and row["status"] == "ok"]
    clusters = find_clusters(run, dataset, rows)
    for name, metric in metrics.items():
        up, unit = metric["higher_is_better"], metric["unit"]
        found = Degradation(rows, perturbation.name, name, up, perturbation.neutral, perturbation.marks)
        if len(found.severities) < 2 or found.scores.empty:
            continue
        measures = [
            Measure(write_severity(s, found.is_signed), unit, up, "", pd.DataFrame(
                {one: found.scores[one][s] for one in found.renderers}))
            for s in found.severities
        ]  # fmt: skip
        measures.append(Measure(MEAN, unit, up, "", found.mean_scores()))
        finished = dict.fromkeys(found.renderers, len(found.scores))
        grid = compare_measures(measures, found.renderers, clusters, None, finished)
        units = {clusters[scene] for scene in found.scores.index}
        known = "how many independent is unknown" if UNKNOWN_UNIT in units else f"{len(units)} independent"
        yield RobustnessTable(
            dataset=dataset,
            perturbation=perturbation,
            metric=name,
            renderers=found.renderers,
            severities=found.severities,
            columns=[
                rank_column(dataset, column, {one: cells[n] for one, cells in grid.cells.items()})
                for n, column in enumerate(grid.columns)
            ],
            rows=rows,
            clusters=clusters,
            scenes=f"{write_count(len(found.scores), 'scene')}, {known}",
            protocol=printable(run.meta["sweep"]["datasets"][dataset]["protocol"]).rstrip("."),
        )


def write_robustness_latex(tables: Sequence[RobustnessTable], label: str) -> str:
    """Write the tables for the booktabs package, one after another."""
    parts = ["% \\usepackage{booktabs}"]
    for number, table in enumerate(tables, 1):
        severities = len(table.severities)
        heads = [escape_latex(column.metric) for column in table.columns]
        lines = [
            " & ".join(
                [escape_latex(name), *(write_latex_cell(column, name) for column in table.columns), table.judge(name)]
            ).replace(ABSENT, "---")
            + r" \\"
            for name in table.renderers
        ]
        parts += [
            r"\begin{table}",
            r"\centering\small\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\label{{tab:{label}-{table.perturbation.name}-{table.metric}-{number}}}",
            rf"\begin{{tabular}}{{l{'r' * (severities + 1)}l}}",
            r"\toprule",
            rf" & \multicolumn{{{severities}}}{{c}}{{{escape_latex(table.perturbation.label)}}} & & \\",
            rf"\cmidrule(lr){{2-{severities + 1}}}",
            " & ".join(["Renderer", *heads, "verdict"]) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    return "\n".join(parts)


def write_robustness_markdown(tables: Sequence[RobustnessTable]) -> str:
    """Write the tables as GitHub shows them."""
    parts = []
    for table in tables:
        head = ["renderer", *(text(column.metric) for column in table.columns), "verdict"]
        lines = [
            [code(name), *(write_markdown_cell(column, name) for column in table.columns), table.judge(name)]
            for name in table.renderers
        ]
        parts.append(f"{write_table(head, range(1, len(head) - 1), lines)}\n\n{text(table.caption)}\n")
    return "\n".join(parts)


def write_robustness_csv(tables: Sequence[RobustnessTable]) -> str:
    """Write one line a mean of any table, with the bounds of its interval and all digits."""
    head = ["dataset", "perturbation", "unit", "metric", "renderer", "severity", "mean", "low", "high", "standing"]
    values = [
        [table.dataset, table.perturbation.name, table.perturbation.unit, table.metric, name, severity, cell.value,
         cell.bounds and cell.bounds.low, cell.bounds and cell.bounds.high, cell.standing]
        for table in tables
        for name in table.renderers
        for severity, column in zip([*table.severities, MEAN], table.columns, strict=True)
        for cell in [column.cells[name]]
    ]  # fmt: skip
    return write_csv(Sheet("", head, values, [], []))


def write_robustness_scenes(tables: Sequence[RobustnessTable]) -> str:
    """Write one line a finished case of any axis, the unperturbed ones on each, with its scores and seconds."""
    metrics = list(dict.fromkeys(table.metric for table in tables))
    axes = {(table.dataset, table.perturbation.name): table for table in tables}
    head = ["dataset", "perturbation", "severity", "scene", "cluster", "renderer", "seed", *metrics, "seconds"]
    values = chain.from_iterable(
        ([table.dataset, table.perturbation.name, severity_on_axis(row, table.perturbation.neutral), row["scene"],
          table.clusters[row["scene"]], row["renderer"], row["seed"], *(row["metrics"].get(name) for name in metrics),
          row["seconds"]] for row in table.rows)
        for table in axes.values()
    )  # fmt: skip
    return write_csv(Sheet("", head, list(values), [], []))
