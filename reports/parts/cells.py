"""Renderers compared on a measure, as text: means with intervals, standing, and tests against a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ...benchmarks.run.store import REMEDY, UNKNOWN_UNIT
from ...benchmarks.statistics.estimates import Estimate, Interval, Ranking, RendererScore, rank_renderers
from ...benchmarks.statistics.significance import (
    PairedTest,
    PairTests,
    ReferenceComparison,
    compare_pairs,
    compare_to_reference,
)
from .numbers import ABSENT, write_p_value, write_percent, write_score, write_signed

EQUAL = "equal"
"""The verdict on two with the same score on every scene, however few these are."""

UNKNOWN = (
    "Which scenes are independent is unknown, as records of scenes are lost or damaged: no interval and no verdict is "
    f"given. {REMEDY[0].upper()}{REMEDY[1:]}."
)


@dataclass(frozen=True)
class Measure:
    """Something that renderers are compared on; ``values`` is scenes x renderers, NaN where there is none."""

    name: str
    unit: str
    higher_is_better: bool
    description: str
    values: pd.DataFrame


@dataclass(frozen=True)
class Column:
    """A measure's column; ``scenes`` is how many it compares, ``can_decide`` whether these are enough for a verdict.

    ``known``: whether it is known which of them are independent; where it is not, there is no verdict either.
    """

    name: str
    unit: str
    higher_is_better: bool
    description: str
    scenes: int
    can_decide: bool
    known: bool


@dataclass(frozen=True)
class Cell:
    """A renderer's mean with its interval, as text, as numbers, and as positions in [0,1] on the column's axis.

    ``standing`` is ``best`` (the best mean, of several where means are equal), ``tied`` (not distinguishable from it,
    see ``PairTests``) or empty, as where there are too few scenes to tell. ``gap`` is the mean minus the best one,
    ``difference`` the same as text. Without a ``value`` the ``note`` says why.
    """

    text: str
    value: float | None = None
    bounds: Interval | None = None
    interval: str = ""
    difference: str = ""
    gap: Estimate | None = None
    standing: str = ""
    positions: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class TestLine:
    """One renderer against the reference on one measure, as text; ``test`` holds the numbers."""

    measure: str
    renderer: str
    difference: str
    p_value: str
    adjusted: str
    effect: str
    win_rate: str
    verdict: str
    test: PairedTest


@dataclass(frozen=True)
class Grid:
    """Renderers x measures: columns, each renderer's cells, tests against ``reference``, and sentences of warning.

    ``pairs``: the tests behind each column.
    """

    columns: list[Column]
    pairs: list[PairTests]
    cells: dict[str, list[Cell]]
    reference: str | None
    tests: list[TestLine]
    warnings: list[str]


def compare_measures(
    measures: Sequence[Measure],
    renderers: Sequence[str],
    clusters: Mapping[str, str],
    reference: str | None,
    finished: Mapping[str, int],
) -> Grid:
    """Compare ``renderers`` on every measure; ``finished`` counts their finished cases."""
    rankings = [rank_renderers(m.values, clusters, m.higher_is_better) for m in measures]
    pairs = [compare_pairs(m.values, clusters) for m in measures]
    tested = [
        compare_to_reference(m.values, clusters, m.higher_is_better, reference or "", p)
        for m, p in zip(measures, pairs, strict=True)
    ]
    found = list(zip(measures, rankings, pairs, strict=True))
    known = UNKNOWN_UNIT not in clusters.values()
    return Grid(
        columns=[
            Column(m.name, m.unit, m.higher_is_better, m.description, c.scenes, p.can_decide, known)
            for m, c, p in found
        ],
        pairs=pairs,
        cells={name: [make_cell(name, c, p, m.unit, finished[name]) for m, c, p in found] for name in renderers},
        reference=reference if any(tested) else None,
        tests=[line for m, t in zip(measures, tested, strict=True) if t for line in _test_lines(m, t, known)],
        warnings=_join_warnings([(m.name, c.warning) for m, c, _ in found])
        + _join_warnings([(m.name, p.warning) for m, _, p in found])
        if known
        else [UNKNOWN],
    )


def make_cell(renderer: str, ranking: Ranking, pairs: PairTests, unit: str, finished: int) -> Cell:
    """Write one renderer's mean of a ranking, or why there is none."""
    names = [score.renderer for score in ranking.scores]
    if renderer not in names:
        return Cell(ABSENT, note=_explain_absence(ranking, finished))
    rank = names.index(renderer) + 1
    score = ranking.scores[rank - 1]
    return Cell(
        text=write_score(score.mean, unit),
        value=score.mean,
        bounds=score.interval,
        interval=write_interval(score.interval, unit),
        difference="" if rank == 1 else _write_difference(score, unit),
        gap=Estimate(value=score.difference, interval=score.difference_interval),
        standing=_standing(renderer, ranking, pairs),
        positions=_place(score.interval, score.mean, [other.interval for other in ranking.scores]),
    )


def estimate_cells(estimates: Mapping[str, Estimate], unit: str) -> dict[str, Cell]:
    """Write numbers that describe each renderer alone and are not compared."""
    intervals = [estimate.interval for estimate in estimates.values()]
    return {
        name: Cell(
            text=write_score(estimate.value, unit),
            value=estimate.value,
            bounds=estimate.interval,
            interval=write_interval(estimate.interval, unit),
            positions=_place(estimate.interval, estimate.value, intervals),
        )
        for name, estimate in estimates.items()
    }


def write_interval(interval: Interval | None, unit: str) -> str:
    """Write ``low - high``; nothing where there is none."""
    if interval is None:
        return ""
    return f"{write_score(interval.low, unit)} \N{EN DASH} {write_score(interval.high, unit)}"


def write_change(test: PairedTest, unit: str) -> str:
    """Write a difference with its sign and interval."""
    bounds = write_interval(test.interval, unit)
    return write_signed(test.difference, unit) + (f" ({bounds})" if bounds else "")


def judge(test: PairedTest, can_decide: bool, known: bool) -> str:
    """Say in words what the corrected test found, or why it could find nothing: see ``Column``."""
    if test.equal and known:
        return EQUAL
    if not can_decide:
        return write_undecided(known)
    if not test.significant:
        return "not distinguishable"
    return "better" if test.gain > 0 else "worse"


def write_undecided(known: bool) -> str:
    """Say in place of a verdict why there is none; ``known``: whether it is known which scenes are independent."""
    return "too few scenes" if known else "independence unknown"


def _test_lines(measure: Measure, comparison: ReferenceComparison, known: bool) -> list[TestLine]:
    return [
        TestLine(
            measure=measure.name,
            renderer=test.renderer,
            difference=write_change(test, measure.unit),
            p_value=write_p_value(test.p_value),
            adjusted=write_p_value(test.adjusted),
            effect=write_signed(test.effect, "dB"),
            win_rate=write_percent(test.win_rate),
            verdict=judge(test, comparison.pairs.can_decide, known),
            test=test,
        )
        for test in comparison.tests
    ]


def _standing(renderer: str, ranking: Ranking, pairs: PairTests) -> str:
    if len(ranking.scores) < 2:
        return ""
    firsts = [score.renderer for score in ranking.scores if score.mean == ranking.scores[0].mean]
    if renderer in firsts:
        return "best"
    return "" if not pairs.can_decide or all(pairs.differ(renderer, first) for first in firsts) else "tied"


def _explain_absence(ranking: Ranking, finished: int) -> str:
    if finished == 0:
        return "no case finished"
    if ranking.scores:
        return "this metric has no value for this renderer"
    return ranking.warning or "no value"


def _write_difference(score: RendererScore, unit: str) -> str:
    """Write the signed difference to the best renderer with its interval."""
    bounds = write_interval(score.difference_interval, unit)
    return write_signed(score.difference, unit) + (f" ({bounds})" if bounds else "")


def _place(
    interval: Interval | None, value: float, intervals: Sequence[Interval | None]
) -> tuple[float, float, float] | None:
    """Return low, value and high on an axis from the column's lowest bound to its highest."""
    known = [other for other in intervals if other]
    if interval is None or not known:
        return None
    low, high = min(i.low for i in known), max(i.high for i in known)
    span = high - low or 1.0
    first, middle, last = (round((number - low) / span, 4) for number in (interval.low, value, interval.high))
    return first, middle, last


def _join_warnings(warnings: Sequence[tuple[str, str | None]]) -> list[str]:
    """Say each warning once, with the measures that it concerns unless it concerns all."""
    by_text: dict[str, list[str]] = {}
    for name, text in warnings:
        if text:
            by_text.setdefault(text, []).append(name)
    return [
        text[0].upper() + text[1:] + ("." if len(names) == len(warnings) else f" ({', '.join(names)}).")
        for text, names in by_text.items()
    ]
