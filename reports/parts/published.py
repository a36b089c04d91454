"""Numbers that papers printed, as tables that stand apart from what was measured."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from ...benchmarks.published.papers import Paper, PrintedMetric, PublishedRow, read_papers


@dataclass(frozen=True)
class Published:
    """A paper's table: ``metrics`` by column, those ``left_out`` that are of a variant the run did not measure."""

    paper: Paper
    rows: list[PublishedRow]
    metrics: dict[str, PrintedMetric]
    left_out: list[PrintedMetric]

    @classmethod
    def beside(cls, measured: Collection[str], paper: Paper, rows: list[PublishedRow]) -> Self:
        """Choose the columns that may stand beside ``measured``, the names of a run's metrics."""
        chosen = {name: metric for name, metric in paper.spec.metrics.items() if metric.stands_beside(measured)}
        return cls(paper, rows, chosen, [m for name, m in paper.spec.metrics.items() if name not in chosen])

    def is_of(self, datasets: Collection[str]) -> bool:
        """Whether the table's protocol is that of one of our ``datasets``."""
        return any(self.paper.spec.protocols.get(name) == self.rows[0].dataset for name in datasets)


def list_published() -> list[Published]:
    """Return every protocol that a paper compares methods on, all columns: for where nothing stands beside them."""
    found = []
    for paper in read_papers():
        rows = [row for row in paper.rows if row.table == paper.spec.comparison]
        for protocol in dict.fromkeys(row.dataset for row in rows):
            mine = [row for row in rows if row.dataset == protocol]
            found.append(Published(paper, mine, paper.spec.metrics, []))
    return found
