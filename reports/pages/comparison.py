"""Two runs side by side: a page, a table to take away, and the same lines for the terminal."""

from dataclasses import dataclass
from typing import Any

from ...benchmarks.statistics.run_comparison import Change, RunComparison
from ..files.assets import Assets
from ..files.export import Sheet, export_sheet
from ..parts.cells import judge, write_change
from ..parts.intervals import describe_intervals
from ..parts.numbers import write_count, write_p_value, write_percent, write_score, write_signed

SAME = "the same"


@dataclass(frozen=True)
class ChangeLine:
    """One change as text."""

    change: Change
    first: str
    second: str
    difference: str
    adjusted: str
    effect: str
    win_rate: str
    verdict: str


def describe_comparison(comparison: RunComparison, assets: Assets) -> dict[str, Any]:
    """Return the page's context; its table is written."""
    lines = describe_changes(comparison)
    return {
        "comparison": comparison,
        "lines": [line for line in lines if line.verdict != SAME],
        "same": [line for line in lines if line.verdict == SAME],
        "datasets": list(dict.fromkeys((line.change.dataset, line.change.scenes) for line in lines)),
        "pictures": _group_pictures(comparison),
        "lead": _count_changes(comparison, lines),
        "warnings": comparison.warnings,
        "intervals": describe_intervals(),
        "links": export_sheet(assets, "comparison", _sheet(comparison, lines)) if lines else None,
    }


def describe_changes(comparison: RunComparison) -> list[ChangeLine]:
    """Return every change as text, in the order of data sets, renderers and measures."""
    return [
        ChangeLine(
            change=change,
            first=write_score(change.first, change.unit),
            second=write_score(change.second, change.unit),
            difference=write_change(change.test, change.unit),
            adjusted=write_p_value(change.test.adjusted),
            effect=write_signed(change.test.effect, "dB"),
            win_rate=write_percent(change.test.win_rate),
            verdict=_judge(change),
        )
        for change in comparison.changes
    ]


def _judge(change: Change) -> str:
    """Give the test's verdict, and say that scenes differ where their changes cancel in the mean as it is written."""
    if not change.differing:
        return SAME
    verdict = judge(change.test, change.can_decide, change.units > 0)
    if write_score(change.first, change.unit) != write_score(change.second, change.unit):
        return verdict
    return f"{verdict}; {change.differing} of {write_count(change.scenes, 'scene')} differ"


def _count_changes(comparison: RunComparison, lines: list[ChangeLine]) -> str:
    """Sum the page up in a sentence."""
    if not lines:
        seeds = next((f": their seeds are {a} and {b}" for name, a, b in comparison.settings if name == "seed"), "")
        return f"The runs share no finished case of one renderer, scene and seed{seeds}."
    same = sum(line.verdict == SAME for line in lines)
    if same == len(lines):
        return (
            f"Nothing changed: every mean is the same, on every scene{' that both finished' * bool(comparison.alone)}."
        )
    if not any(line.change.can_decide for line in lines):
        equal = f" {same} of {len(lines)} means are the same." if same else ""
        if not all(line.change.units for line in lines):
            return f"Which scenes are independent is unknown: nothing tells whether anything changed.{equal}"
        return f"The runs share too few independent scenes to tell whether anything changed.{equal}"
    significant = sum(line.change.test.significant for line in lines)
    compared = write_count(len(lines), "comparison")
    return f"{significant} of {compared} changed significantly, at 5 % after Holm's correction over all of them."


def _group_pictures(comparison: RunComparison) -> dict[str, list[str]]:
    """Return how many pictures are the same to the bit, as text, with the renderers of which they are."""
    several = len({dataset for dataset, _ in comparison.pictures}) > 1
    groups: dict[str, list[str]] = {}
    for (dataset, renderer), (same, count) in comparison.pictures.items():
        where = f" on {dataset}" if several else ""
        how_many = "all" if same == count > 1 else f"{same} of"
        is_or_are = "picture is" if count == 1 else "pictures are"
        groups.setdefault(f"{how_many} {count} {is_or_are} the same to the bit{where}", []).append(renderer)
    return groups


def print_comparison(comparison: RunComparison) -> str:
    """Return what the page says, for a terminal: the changes as an aligned table, and what could not be compared."""
    lines = describe_changes(comparison)
    return "\n".join(
        [
            *([_align(comparison, lines)] if lines else []),
            _count_changes(comparison, lines),
            *(f"not compared: {text}" for text in comparison.alone),
            *comparison.warnings,
        ]
    )


def _align(comparison: RunComparison, changes: list[ChangeLine]) -> str:
    head = ["data set", "renderer", "mean of", comparison.first, comparison.second, "change (95 %)", "p (Holm)", ""]
    lines = [head] + [
        [line.change.dataset, line.change.renderer, ", ".join(filter(None, (line.change.measure, line.change.unit))),
         line.first, line.second, line.difference, line.adjusted, line.verdict]
        for line in changes
    ]  # fmt: skip
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) if column < 3 else text.rjust(width) for column, (text, width) in
                  enumerate(zip(line[:-1], widths, strict=False))) + f"  {line[-1]}"
        for line in lines
    )  # fmt: skip


def _sheet(comparison: RunComparison, lines: list[ChangeLine]) -> Sheet:
    first, second = comparison.first, comparison.second
    return Sheet(
        caption=f"Run {second} against run {first}: sign-flip test, Holm's correction over all lines.",
        head=["dataset", "renderer", "measure", "scenes", f"mean {first}", f"mean {second}",
              "difference", "low", "high", "p", "p_holm", "effect", "win_rate"],
        values=[
            [c.dataset, c.renderer, c.measure, c.scenes, c.first, c.second, c.test.difference,
             c.test.interval and c.test.interval.low, c.test.interval and c.test.interval.high, c.test.p_value,
             c.test.adjusted, c.test.effect, c.test.win_rate]
            for c in comparison.changes
        ],
        printed_head=["Data set", "Renderer", "Measure", first, second, "Change", "p (Holm)", "Verdict"],
        printed=[
            [line.change.dataset, line.change.renderer, line.change.measure, line.first, line.second, line.difference,
             line.adjusted, line.verdict]
            for line in lines
        ],
    )  # fmt: skip
