"""A leaderboard: every renderer of one or several runs, a table for each data set, and what its numbers rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...benchmarks.run.cases import UNPERTURBED
from ...benchmarks.run.rows import group_by_reason
from ...benchmarks.run.schema import Environment
from ...benchmarks.run.store import StoredRun, name_machine
from .latency_figures import write_size
from .numbers import write_count
from .published import Published, list_published
from .renderer_groups import PICTURE_ONLY, group_of
from .standings import Entry, Merged, merge_runs, scored_datasets
from .tables import ScoreTable, TableRow, build_table
from .time_ratios import TimeRatio, find_latency_ratios, find_row_ratios, list_bases

NO_WEIGHTS = "none"
LEAST_RENDERERS = 2
"""A leaderboard of fewer compares nothing."""

APART = (
    "What papers printed, a table for each protocol; none of it was measured here. It stands apart from the tables "
    "above, as it does not compare with them: a paper's scenes, depth, focus and blur strength are its own, and most "
    "do not state which variants their metrics are."
)


@dataclass(frozen=True)
class Source:
    """Where rows come from: a run, a commit, a machine. ``origin`` is empty for what was measured here."""

    run: str
    origin: str
    commit: str
    machine: str
    command: str


@dataclass(frozen=True)
class Standing:
    """A renderer's line; ``basis`` numbers the board's, ``sources`` the leaderboard's, both from 1."""

    row: TableRow
    group: str
    weights: str
    time: TimeRatio | None
    basis: int
    sources: list[int]
    imported: bool


@dataclass(frozen=True)
class Board:
    """One data set: lines by the first column's mean, best first; ``bases`` say what times are of, by number from 1."""

    dataset: str
    protocol: str
    table: ScoreTable
    standings: list[Standing]
    bases: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Leaderboard:
    """All data sets; ``trainings`` are (renderer, weights, how they were trained); ``published`` stands apart."""

    boards: list[Board]
    sources: list[Source]
    trainings: list[tuple[str, str, str]]
    published: list[Published]


def make_leaderboard(
    runs: Sequence[StoredRun], latencies: Mapping[str, Mapping[str, Any]] | None = None
) -> Leaderboard | None:
    """Return the leaderboard of ``runs``; None where no data set has two renderers with scores.

    ``latencies``: what latency.json says, by run; a run's own counts for it, those of runs that were measured here for
    each other.
    """
    writer = LeaderboardWriter(runs, latencies or {})
    boards = [board for board in map(writer.describe, scored_datasets(runs)) if board]
    if not boards:
        return None
    return Leaderboard(boards, list(writer.sources), list(writer.trainings), list_published())


class LeaderboardWriter:
    """Describes one data set after the other; ``sources`` and ``trainings`` collect what they rest on, each once."""

    def __init__(self, runs: Sequence[StoredRun], latencies: Mapping[str, Mapping[str, Any]]):
        self.runs = runs
        imported = {run.folder.name for run in runs if run.origin}
        self.latency = {name: find_latency_ratios(record, name) for name, record in latencies.items()}
        self.pooled = {
            name: ratio
            for run, ratios in reversed(self.latency.items())
            if run not in imported
            for name, ratio in ratios.items()
        }
        self.sources: dict[Source, None] = {}
        self.trainings: dict[tuple[str, str, str], None] = {}

    def describe(self, dataset: str) -> Board | None:
        """Return the board of a data set; None where fewer than two renderers have a score."""
        merged = merge_runs(dataset, self.runs)
        groups = {entry.label: group_of(entry.renderer, entry.about) for entry in merged.entries}
        apart = [label for label, group in groups.items() if group == PICTURE_ONLY]
        table = build_table(merged.rows, list(groups), merged.metrics, merged.clusters, apart=apart)
        if table is None or not table.columns or sum(map(_has_score, table.rows)) < LEAST_RENDERERS:
            return None
        entries = {entry.label: entry for entry in merged.entries}
        for entry in merged.entries:  # so that the first run's come first
            self._number_sources(entry)
        times = {label: self._time(entry) for label, entry in entries.items()}
        bases = list_bases(list(times.values()))
        sign = -1.0 if table.columns[0].higher_is_better else 1.0
        ordered = sorted(
            table.rows, key=lambda row: (not _has_score(row), row.apart, sign * (row.cells[0].value or 0.0))
        )
        return Board(
            dataset=dataset,
            protocol=merged.entries[0].run.meta["datasets"][dataset]["protocol"],
            table=table,
            standings=[
                self._standing(row, entries[row.renderer], groups[row.renderer], times[row.renderer], bases)
                for row in ordered
            ],
            bases=bases,
            notes=[*table.notes, *merged.notes, *self._missing(merged)],
        )

    def _standing(self, row: TableRow, entry: Entry, group: str, time: TimeRatio | None, bases: list[str]) -> Standing:
        weights = row.weights or entry.about["weights"] or ("missing" if entry.about["needs_weights"] else NO_WEIGHTS)
        if weights != NO_WEIGHTS:
            training = entry.about["training"] or "not stated"
            self.trainings.setdefault((entry.renderer, weights, "as imported: " * bool(entry.run.origin) + training))
        return Standing(
            row=row,
            group=group,
            weights=weights,
            time=time,
            basis=bases.index(time.basis) + 1 if time else 0,
            sources=self._number_sources(entry),
            imported=bool(entry.run.origin),
        )

    def _number_sources(self, entry: Entry) -> list[int]:
        """Return the numbers of all places where rows of an entry were made, new ones behind those that are known."""
        found = []
        for environment in dict.fromkeys(row["environment"] for row in entry.rows):
            about: Environment = entry.run.meta["environments"].get(environment, {})
            source = Source(
                run=entry.run.folder.name,
                origin=entry.run.origin,
                commit=about.get("commit") or "not from a checkout",
                machine=_write_machine(about),
                command=entry.run.meta["command"],
            )
            self.sources.setdefault(source)
            found.append(list(self.sources).index(source) + 1)
        return sorted(set(found))

    def _time(self, entry: Entry) -> TimeRatio | None:
        """Return a ratio from latency.json where there is one, else from the seconds of the run's own rows."""
        weights = next((row["weights"] for row in entry.rows if row["status"] == "ok"), None)
        name = entry.renderer, weights
        measured = {} if entry.run.origin else self.pooled
        measured = measured | self.latency.get(entry.run.folder.name, {})
        if name in measured:
            return measured[name]
        dataset = entry.rows[0]["dataset"]
        rows = [row for row in entry.run.rows if row["dataset"] == dataset and row["perturbation"] == UNPERTURBED]
        return find_row_ratios(rows, entry.run.folder.name, _write_sizes(entry.run, dataset)).get(name)

    def _missing(self, merged: Merged) -> list[str]:
        """Say what failed or was skipped, each reason once, and what has not been run."""
        labelled = [row for row in merged.rows if row["status"] != "ok"]
        notes = []
        for renderers, status, reason, rows in group_by_reason((r, r["status"], r["reason"] or "") for r in labelled):
            notes.append(f"{', '.join(renderers)}: {status} on {write_count(len(rows), 'case')}: {reason}")
        for run in self.runs:
            planned = len(run.meta["cases"])
            if planned > len(run.rows) and merged.dataset in run.meta["datasets"]:
                notes.append(f"Run {run.folder.name}: {planned - len(run.rows)} of {planned} cases have not been run.")
        return notes


def _write_machine(environment: Environment) -> str:
    """Name a machine and how many threads were used there, on which ratios of times depend."""
    threads = environment.get("threads")
    return name_machine(environment) + (f", {write_count(threads, 'thread')}" if threads else "")


def _has_score(row: TableRow) -> bool:
    return row.cells[0].value is not None


def _write_sizes(run: StoredRun, dataset: str) -> str:
    """Say how large the scenes of a data set are."""
    scenes = sorted((s for s in run.scenes if s["dataset"] == dataset), key=lambda s: s["height"] * s["width"])
    if not scenes:
        return "of unknown size"
    first, last = write_size(scenes[0]), write_size(scenes[-1])
    return f"{first} px" if first == last else f"{first} to {last} px"
