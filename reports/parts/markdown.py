"""A leaderboard as Markdown, as GitHub shows it: tables, and below them what the numbers rest on."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from ...benchmarks.published.papers import PrintedMetric
from ...core.text import one_line
from .cells import Cell
from .intervals import describe_intervals
from .leaderboard import APART, Board, Leaderboard, Source, Standing
from .numbers import ABSENT, write_count
from .published import Published
from .renderer_groups import MEANINGS
from .tables import ARROWS
from .time_ratios import TIME_REFERENCE, write_ratio

PLAIN = re.compile(r"[A-Za-z0-9_.,@+/ ()=-]+")
SPECIAL = re.compile(r"([\\`*_\[\]|~$@]|:(?=//)|(?<=www)\.|^[#+=-])")
"""Signs that begin markup, a link or, at the start, a heading or a list."""

MARKS = {"best": "**best** ", "tied": "≈ best "}


def write_markdown(board: Leaderboard, command: str) -> str:
    """Return the page; ``command`` makes it again."""
    blocks = [
        "# Leaderboard",
        f"Made by the command below from stored runs; no number is written by hand.\n\n    {one_line(command)}",
        _explain(board),
        *map(_write_board, board.boards),
        _write_sources(board.sources),
        _write_trainings(board.trainings),
        f"## Published numbers\n\n{APART}",
        *map(_write_published, board.published),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def text(words: str) -> str:
    """Return words that Markdown, and HTML within it, show as they are, on one line."""
    return SPECIAL.sub(r"\\\1", escape(one_line(words), quote=False))


def code(words: str) -> str:
    """Return words as code, which a name that could end it is not."""
    return f"`{words}`" if PLAIN.fullmatch(words) else text(words)


def write_table(head: Sequence[str], numbers: Iterable[int], lines: Iterable[Sequence[str]]) -> str:
    """Return a table; ``numbers`` are the columns that stand to the right."""
    right = set(numbers)
    ruler = ["---:" if column in right else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ruler, *lines])


def _explain(board: Leaderboard) -> str:
    used = {standing.group for one in board.boards for standing in one.standings}
    groups = "; ".join(f"*{group}*: {meaning}" for group, meaning in MEANINGS.items() if group in used)
    return (
        "Means with 95 % intervals, best PSNR first. **best** has the best mean of its column; ≈ best is not "
        "distinguishable from it by the sign-flip test on the same scenes, corrected for all pairs of renderers in the "
        "table, at 5 %. One without a mark is distinguishable from the best; with "
        "too few scenes for that test the best mean alone is marked, and decides nothing.\n\n"
        f"{describe_intervals()}\n\n"
        f"Time is a ratio to `{TIME_REFERENCE}`; below each table stands of which times. The seconds of cases are of "
        "one render each, beside whatever else the machine did; those of latency.json are medians of repeats. The last "
        f"column says where the rows were made: see [Measured](#measured). Groups: {groups}."
    )


def _write_board(board: Board) -> str:
    columns = [_write_head(c.name, c.higher_is_better, c.unit) for c in board.table.columns]
    head = ["renderer", "group", "weights", *columns, "cases", f"time, {TIME_REFERENCE} = 1", "measured"]
    lines = [
        [
            code(one.row.renderer),
            text(one.group),
            text(one.weights),
            *map(_write_cell, one.row.cells),
            _write_cases(one),
            write_ratio(one.time) + (f" ({one.basis})" if len(board.bases) > 1 and one.time else ""),
            _write_measured(one),
        ]
        for one in board.standings
    ]
    marks = [f"({number}) " if len(board.bases) > 1 else "" for number in range(1, len(board.bases) + 1)]
    notes = [f"Time: {mark}{text(basis)}." for mark, basis in zip(marks, board.bases, strict=True)]
    notes += [text(note) for note in board.notes]
    listed = "\n".join(f"- {note}" for note in notes)
    return (
        f"## {text(board.dataset)}\n\n{text(board.table.basis)}. Protocol: {text(board.protocol)}.\n\n"
        f"{write_table(head, range(3, 5 + len(columns)), lines)}\n\n{listed}"
    ).rstrip()


def _write_head(name: str, higher_is_better: bool, unit: str) -> str:
    return f"{text(name)} {ARROWS[higher_is_better]}" + (f", {text(unit)}" if unit else "")


def _write_measured(one: Standing) -> str:
    """Link to where the rows were made; what was made elsewhere says so in its own line."""
    return "imported, " * one.imported + ", ".join(f"[{number}](#measured)" for number in one.sources)


def _write_cell(cell: Cell) -> str:
    if cell.value is None:
        return f"{ABSENT} ({text(cell.note)})"
    interval = f"<br>{cell.interval}" if cell.interval else ""
    return f"{MARKS.get(cell.standing, '')}{cell.text}{interval}"


def _write_cases(one: Standing) -> str:
    return f"{one.row.finished} of {one.row.tried}" + (f", {text(one.row.unfinished)}" if one.row.unfinished else "")


def _write_sources(sources: Sequence[Source]) -> str:
    lines = [
        [
            str(number),
            code(source.run),
            text(source.origin or "here"),
            code(source.commit),
            text(source.machine),
        ]
        for number, source in enumerate(sources, 1)
    ]
    commands = {source.run: source.command for source in sources}
    listed = "\n\n".join(f"Run {code(run)}:\n\n    {one_line(command)}" for run, command in commands.items())
    return f"## Measured\n\n{write_table(['', 'run', 'where', 'commit', 'machine'], [0], lines)}\n\n{listed}"


def _write_trainings(trainings: Sequence[tuple[str, str, str]]) -> str:
    if not trainings:
        return ""
    lines = [[code(renderer), text(weights), text(training)] for renderer, weights, training in trainings]
    return f"## Weights\n\n{write_table(['renderer', 'weights', 'origin and training'], [], lines)}"


def _write_published(table: Published) -> str:
    head = ["method", "setting", *map(_write_printed_head, table.metrics.values())]
    lines = [
        [text(row.method), text(row.setting or "as published"), *(row.printed[m] or ABSENT for m in table.metrics)]
        for row in table.rows
    ]
    first = table.rows[0]
    number = f", Table {first.table}" if first.table else ""
    where = f"{text(table.paper.spec.source)}{number}; {write_count(len(lines), 'line')} as printed."
    return f"### {text(first.dataset)}\n\n{where}\n\n{write_table(head, range(2, len(head)), lines)}"


def _write_printed_head(metric: PrintedMetric) -> str:
    head = _write_head(metric.printed, metric.higher_is_better, metric.unit)
    return f"{head}<br>{text(metric.variant or 'variant not stated')}"
