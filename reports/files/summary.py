"""What the list of runs knows of a report: one small file in the report's folder, checked where it is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core.files import regular
from .assets import Assets

FILE = "assets/summary.json"

PageFile = Annotated[str, Field(pattern=r"^[a-z]+\.html$")]
Section = Annotated[str, Field(pattern=r"^[a-z]+\.html#[a-z]+$")]


class Stored(BaseModel):
    """A part of the file; unknown fields are of a later version and passed over."""

    model_config = ConfigDict(frozen=True)


class ShownCell(Stored):
    """A mean as text, its interval or why there is none, and how it stands: see ``parts.cells.Cell``."""

    text: str
    interval: str
    note: str
    mark: str


class ShownTable(Stored):
    """The scores on one data set; ``columns`` are (name, direction and unit), ``rows`` (renderer, weights, cells)."""

    dataset: str
    basis: str
    verdict: str
    columns: list[tuple[str, str]]
    rows: list[tuple[str, str, list[ShownCell]]]


class Summary(Stored):
    """One report. ``moment`` is when its run last did anything, ISO 8601 in UTC; ``counts`` are cases by status.

    ``command``: the commands that made it, a line each. ``headlines`` are verdicts as sentences, ``pages`` titles by
    file, ``absent`` metrics that were asked for and could not be computed, ``remarks`` what must be known beside the
    scores, by the section of a page that says it, ``origin`` where an imported run comes from, else empty.
    """

    schema_version: Literal[1] = 1
    kind: Literal["run", "comparison"]
    name: str
    moment: str
    command: str
    pages: dict[PageFile, str]
    renderers: list[str] = []
    datasets: list[str] = []
    counts: dict[str, int] = {}
    headlines: list[str] = []
    tables: list[ShownTable] = []
    absent: list[str] = []
    remarks: dict[Section, str] = {}
    origin: str = ""

    @property
    def home(self) -> str:
        """The page that the list leads to."""
        return next(iter(self.pages))


def write_summary(assets: Assets, summary: Summary) -> None:
    """Write the file among the others of a report."""
    assets.write(FILE, summary.model_dump_json(indent=1))


def read_summaries(reports: Path) -> Iterator[tuple[str, Summary | None]]:
    """Yield every report in ``reports`` by its folder's name; None for one whose summary cannot be read."""
    for path in sorted(reports.glob(f"*/{FILE}")):
        try:
            summary = Summary.model_validate_json(regular(path).read_bytes())
        except (OSError, ValidationError):
            yield path.relative_to(reports).parts[0], None
        else:
            yield path.relative_to(reports).parts[0], summary if summary.pages else None
