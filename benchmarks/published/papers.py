"""Numbers that papers printed, as data. They were not measured here; reports mark them and keep them apart.

A paper is two files in this folder: ``NAME.yaml`` (where the numbers come from and what they belong to, see ``Spec``)
and ``NAME.csv`` with the columns table, dataset, method, setting and one per metric, a printed line a row.
"""

import csv
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ...core.documents import read_document
from ...core.errors import InvalidOptionError
from ...core.settings import read_settings

FOLDER = Path(__file__).parent
COLUMNS = ("table", "dataset", "method", "setting")


@dataclass(frozen=True)
class PrintedMetric:
    """A column: its name as printed, its unit and direction.

    ``variant``: our metric that computes the same; None where the paper does not say what it computes, as most do not.
    """

    printed: str
    higher_is_better: bool
    unit: str = ""
    variant: str | None = None

    def stands_beside(self, measured: Collection[str]) -> bool:
        """Whether the column may stand in a report of these metrics: not where it is of a variant that is not there."""
        return self.variant is None or self.variant in measured


@dataclass(frozen=True)
class AblationSpec:
    """A table of ablations: ``renderers`` are ours by its settings, in its order.

    ``family`` is the renderer whose variants, ``family`` and ``family-...``, appear on its page; ``complete`` the
    setting that the others are compared with.
    """

    table: int
    family: str
    complete: str
    renderers: dict[str, str]

    @property
    def reference(self) -> str:
        """Our renderer of the complete model."""
        return self.renderers[self.complete]

    def includes(self, renderer: str) -> bool:
        """Whether a renderer, with or without ``@checkpoint``, is of the family."""
        name = renderer.partition("@")[0]
        return name == self.family or name.startswith(f"{self.family}-")


@dataclass(frozen=True)
class Spec:
    """What a paper's numbers belong to.

    ``metrics`` by column; ``comparison`` is the number of the table that compares methods, 0 where it has none;
    ``protocols`` are our data sets that follow a published protocol, with what the paper calls it: no other data set
    gets its numbers; ``note`` is what a reader who sets the numbers beside ours must know, in sentences.
    """

    method: str
    source: str
    metrics: dict[str, PrintedMetric]
    comparison: int
    protocols: dict[str, str]
    ablations: AblationSpec | None = None
    note: str = ""


@dataclass(frozen=True)
class PublishedRow:
    """One printed line: ``printed`` as it stands in the paper, ``scores`` as numbers, by the columns of its metrics.

    Without a number in the paper, the text is empty and the score None.
    """

    table: int
    dataset: str
    method: str
    setting: str
    printed: dict[str, str]
    scores: dict[str, float | None]


@dataclass(frozen=True)
class Paper:
    """A paper's numbers: every printed line, in the paper's order."""

    name: str
    spec: Spec
    rows: tuple[PublishedRow, ...] = field(repr=False)

    def find_comparison(self, dataset: str) -> list[PublishedRow]:
        """Return the lines of the protocol that our data set ``dataset`` follows; nothing for any other data set."""
        protocol = self.spec.protocols.get(dataset)
        return [row for row in self.rows if row.table == self.spec.comparison and row.dataset == protocol]

    @property
    def ablations(self) -> list[PublishedRow]:
        """The lines of the table of ablations."""
        return [row for row in self.rows if self.spec.ablations and row.table == self.spec.ablations.table]


@cache
def read_papers(folder: Path = FOLDER) -> tuple[Paper, ...]:
    """Return the papers in ``folder`` by name. Raises InvalidOptionError for files that do not fit together."""
    return tuple(_read_paper(path) for path in sorted(folder.glob("*.yaml")))


def _read_paper(path: Path) -> Paper:
    content = read_document(path, "a YAML file with what a paper's numbers belong to", InvalidOptionError)
    spec = read_settings(Spec, content, where=f"{path}: ")
    table = path.with_suffix(".csv")
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            expected = [*COLUMNS, *spec.metrics]
            if reader.fieldnames != expected:
                raise InvalidOptionError(f"{table}: expected the columns {expected}, got {reader.fieldnames}")
            rows = tuple(_read_row(line, spec, f"{table}, line {reader.line_num}") for line in reader)
    except OSError as error:
        raise InvalidOptionError(f"{table}: cannot be read ({error.strerror}): {path.name} needs it") from error
    paper = Paper(path.stem, spec, rows)
    _check_names(paper, path)
    return paper


def _read_row(line: dict[str, str], spec: Spec, where: str) -> PublishedRow:
    try:
        scores = {name: float(line[name]) if line[name] else None for name in spec.metrics}
        table = int(line["table"])
    except (TypeError, ValueError) as error:
        raise InvalidOptionError(f"{where}: expected numbers: {error}") from error
    if not all(score is None or math.isfinite(score) for score in scores.values()):
        raise InvalidOptionError(f"{where}: expected finite numbers, or nothing where the paper has none")
    return PublishedRow(
        table=table,
        dataset=line["dataset"],
        method=line["method"],
        setting=line["setting"],
        printed={name: line[name] for name in spec.metrics},
        scores=scores,
    )


def _check_names(paper: Paper, path: Path) -> None:
    """Raise InvalidOptionError where the two files do not name the same protocols and settings."""
    spec = paper.spec
    absent = [name for name in spec.protocols if not paper.find_comparison(name)]
    if absent:
        raise InvalidOptionError(f"{path}: protocols: {', '.join(absent)}: the CSV has no line of its protocol")
    if spec.ablations:
        printed, ours = [row.setting for row in paper.ablations], list(spec.ablations.renderers)
        if printed != ours or spec.ablations.complete not in ours:
            raise InvalidOptionError(
                f"{path}: ablations: expected the settings of Table {spec.ablations.table}, {printed}, the complete "
                f"model among them, got {ours}"
            )
