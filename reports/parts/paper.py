"""One table over all data sets of a run, as a paper prints it: LaTeX, Markdown, CSV; and the scores of every scene."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ...benchmarks.run.cases import UNPERTURBED
from ...benchmarks.run.store import StoredRun
from ...core.errors import InvalidOptionError
from ..files.export import Sheet, escape_latex, write_csv
from .cells import Cell, Column
from .markdown import code, text, write_table
from .numbers import ABSENT
from .tables import ARROWS, ScoreTable, build_table, find_clusters

EXPLANATION = (
    "Bold: best mean, underlined: second best, of three or more, both before rounding: means that read alike may "
    "differ. *: not distinguishable from the best (sign-flip test over independent scenes, corrected for all pairs of "
    "renderers, at 5 %)."
)
UNDECIDED = "With too few scenes for that test, as on {}, there is no *, and the best mean decides nothing."
UNKNOWN = "Which scenes of {} are independent is unknown: there is no *, and the best mean decides nothing."


@dataclass(frozen=True)
class PaperColumn:
    """A metric on a data set: ``cells`` by renderer, the ``best`` mean, the ``second``: None where two have the best.

    ``can_decide`` and ``known``: whether its scenes are enough for the test, and are known to be independent.
    """

    dataset: str
    metric: str
    higher_is_better: bool
    unit: str
    cells: dict[str, Cell]
    best: float | None
    second: float | None
    can_decide: bool
    known: bool


@dataclass(frozen=True)
class PaperTable:
    """Renderers x columns; ``seconds``: the median time of a render on the first data set, None where there is none."""

    renderers: list[str]
    columns: list[PaperColumn]
    seconds: dict[str, float | None]
    basis: str

    @property
    def caption(self) -> str:
        """What the numbers are."""
        few = dict.fromkeys(f"{c.dataset} ({c.metric})" for c in self.columns if c.known and not c.can_decide)
        unknown = dict.fromkeys(c.dataset for c in self.columns if not c.known)
        limits = [
            sentence.format(", ".join(names)) for sentence, names in ((UNDECIDED, few), (UNKNOWN, unknown)) if names
        ]
        explanation = " ".join([EXPLANATION, *limits])
        return f"{self.basis}. {explanation} Time: median seconds of a render, on the machine of the run."


def make_paper_table(run: StoredRun, renderers: Collection[str] = (), metrics: Collection[str] = ()) -> PaperTable:
    """Sum up the scored data sets of a run; ``renderers`` and ``metrics``: these alone, else all.

    Means and marks are of the renderers that are shown. Raises InvalidOptionError for a name that the run does not
    have, and where it has no score.
    """
    sweep = run.meta.get("sweep", run.meta)
    check_names("renderers", renderers, {**run.meta["renderers"], **sweep["renderers"]})
    check_names("metrics", metrics, {**run.meta["metrics"], **sweep["metrics"]})
    names = [name for name in run.meta["renderers"] if not renderers or name in renderers]
    if not names:
        raise InvalidOptionError(
            f"--renderers {','.join(renderers)}: in the robustness sweep alone: name one of the benchmark beside, of "
            f"{', '.join(run.meta['renderers'])}"
        )
    wanted = {name: one for name, one in run.meta["metrics"].items() if not metrics or name in metrics}
    tables: dict[str, ScoreTable] = {}
    for dataset, about in run.meta["datasets"].items():
        rows = [row for row in run.rows if row["dataset"] == dataset and row["perturbation"] == UNPERTURBED]
        rows = [row for row in rows if row["renderer"] in names]
        table = build_table(rows, names, wanted, find_clusters(run, dataset, rows)) if about["scored"] else None
        if table is not None and table.columns:
            tables[dataset] = table
    if not tables:
        raise InvalidOptionError(f"{run.folder.name}: expected scores on a data set with ground truth, found none")
    columns = [column for dataset, table in tables.items() for column in _columns(dataset, table)]
    first = next(iter(tables.values()))
    basis = "; ".join(f"{dataset}: {table.basis[0].lower()}{table.basis[1:]}" for dataset, table in tables.items())
    return PaperTable(names, columns, {row.renderer: row.seconds for row in first.rows}, basis)


def write_paper_latex(table: PaperTable, label: str) -> str:
    """Write a ``table`` for the booktabs package, data sets above their metrics."""
    groups = [(name, len(list(_of(name, table)))) for name in dict.fromkeys(c.dataset for c in table.columns)]
    rules, start = [], 2
    for _, width in groups:
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    above = [rf"\multicolumn{{{width}}}{{c}}{{{escape_latex(name)}}}" for name, width in groups]
    heads = [escape_latex(_head(column)) for column in table.columns]
    lines = [
        " & ".join(
            [
                escape_latex(name),
                *(write_latex_cell(c, name) for c in table.columns),
                escape_latex(_write_time(table, name)),
            ]
        )
        + r" \\"
        for name in table.renderers
    ]
    return "\n".join(
        [
            "% \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\label{{tab:{label}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) + 1)}}}",
            r"\toprule",
            " & ".join(["", *above, ""]) + r" \\",
            " ".join(rules),
            " & ".join(["Renderer", *heads, r"time (s) $\downarrow$"]) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def write_paper_markdown(table: PaperTable) -> str:
    """Write the table as GitHub shows it."""
    head = [
        "renderer",
        *(f"{text(c.dataset)}<br>{text(_head(c))}" for c in table.columns),
        "time (s) \N{DOWNWARDS ARROW}",
    ]
    lines = [
        [code(name), *(write_markdown_cell(column, name) for column in table.columns), _write_time(table, name)]
        for name in table.renderers
    ]
    return f"{write_table(head, range(1, len(head)), lines)}\n\n{text(table.caption)}\n"


def write_paper_csv(table: PaperTable) -> str:
    """Write means and bounds of their intervals with all digits."""
    names = [f"{column.dataset} {column.metric}" for column in table.columns]
    head = ["renderer", *(part for name in names for part in (name, f"{name} low", f"{name} high")), "seconds"]
    values = []
    for renderer in table.renderers:
        cells = [column.cells[renderer] for column in table.columns]
        bounds = [(c.value, c.bounds and c.bounds.low, c.bounds and c.bounds.high) for c in cells]
        values.append([renderer, *(number for cell in bounds for number in cell), table.seconds.get(renderer)])
    return write_csv(Sheet(table.caption, head, values, [], []))


def write_scene_csv(run: StoredRun, table: PaperTable) -> str:
    """Write one line a finished case of the table's renderers and data sets, with its scores and seconds."""
    metrics = list(dict.fromkeys(column.metric for column in table.columns))
    datasets = {column.dataset for column in table.columns}
    rows = [row for row in run.rows if row["perturbation"] == UNPERTURBED and row["status"] == "ok"]
    units = run.find_units(rows)
    values = [
        [row["dataset"], row["scene"], units[row["dataset"], row["scene"]], row["renderer"],
         row["seed"], *(row["metrics"].get(name) for name in metrics), row["seconds"]]
        for row in rows
        if row["renderer"] in table.renderers and row["dataset"] in datasets
    ]  # fmt: skip
    return write_csv(
        Sheet("", ["dataset", "scene", "cluster", "renderer", "seed", *metrics, "seconds"], values, [], [])
    )


def _columns(dataset: str, table: ScoreTable) -> Iterable[PaperColumn]:
    for place, column in enumerate(table.columns):
        yield rank_column(dataset, column, {row.renderer: row.cells[place] for row in table.rows})


def rank_column(dataset: str, column: Column, cells: dict[str, Cell]) -> PaperColumn:
    """Return a column with its best and its second mean."""
    known = [cell.value for cell in cells.values() if cell.value is not None]
    ranked = sorted(known, reverse=column.higher_is_better)
    best = ranked[0] if ranked else None
    second = ranked[1] if len(ranked) > 2 and ranked[1] != best else None
    facts = dataset, column.name, column.higher_is_better, column.unit
    return PaperColumn(*facts, cells, best, second, column.can_decide, column.known)


def _of(dataset: str, table: PaperTable) -> Iterable[PaperColumn]:
    return (column for column in table.columns if column.dataset == dataset)


def _head(column: PaperColumn) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.metric}{unit} {ARROWS[column.higher_is_better]}"


def write_latex_cell(column: PaperColumn, renderer: str) -> str:
    """Write a mean: the best bold, the second underlined, a star where it cannot be told from the best."""
    cell = column.cells[renderer]
    words = escape_latex(cell.text)
    if cell.value is not None and cell.value == column.best:
        return rf"\textbf{{{words}}}"
    mark = r"\rlap{$^{*}$}" if cell.standing == "tied" else ""
    return (rf"\underline{{{words}}}" if cell.value is not None and cell.value == column.second else words) + mark


def write_markdown_cell(column: PaperColumn, renderer: str) -> str:
    """Do the same for Markdown."""
    cell = column.cells[renderer]
    if cell.value is not None and cell.value == column.best:
        return f"**{cell.text}**"
    mark = r"\*" if cell.standing == "tied" else ""
    return (f"<u>{cell.text}</u>" if cell.value is not None and cell.value == column.second else cell.text) + mark


def _write_time(table: PaperTable, renderer: str) -> str:
    """Write seconds in two significant digits, whatever their size: one unit for all."""
    seconds = table.seconds.get(renderer)
    if seconds is None:
        return ABSENT
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:#.2g}" if seconds >= 0.001 else "< 0.001"


def check_names(option: str, wanted: Collection[str], known: Collection[str]) -> None:
    """Raise InvalidOptionError for a name that the run does not have."""
    for name in wanted:
        if name not in known:
            raise InvalidOptionError(f"--{option} {name}: expected some of this run: {', '.join(known)}")
