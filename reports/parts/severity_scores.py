"""Scores at each severity of a perturbation: who is ahead there, and what the paired tests say of it.

Drops say what a renderer loses; which one to take for an input that is that wrong, its scores there do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from ...benchmarks.statistics.significance import PairTests
from ...robustness.curves import Degradation
from ..files.assets import Assets
from ..files.export import Links, Sheet, export_sheet
from .cells import EQUAL, Cell, Column, Measure, compare_measures, write_undecided
from .numbers import write_count, write_p_value, write_severity, write_signed


@dataclass(frozen=True)
class BestTest:
    """A renderer against the best at one severity; ``difference`` in means, and p corrected for all pairs there."""

    severity: str
    renderer: str
    best: str
    difference: str
    p_value: str
    adjusted: str
    verdict: str


@dataclass(frozen=True)
class SeverityScores:
    """Renderers x severities: ``columns`` are severities, ``cells`` as in ``Grid``; ``tests``: against the best.

    ``unperturbed``: the place of the column where nothing is wrong; ``pairs``: the tests behind each column.
    """

    columns: list[Column]
    cells: dict[str, list[Cell]]
    unperturbed: int
    pairs: list[PairTests]
    tests: list[BestTest]
    links: Links
    test_links: Links


def compare_at_severities(
    key: str, where: str, metric: Mapping[str, Any], found: Degradation, clusters: Mapping[str, str], assets: Assets
) -> SeverityScores:
    """Compare all renderers at each severity on the scenes of the curves, and write the tables to download.

    ``key``: of the metric on its axis, ``where``: the two in words; ``metric``: its entry in run.json. Renderers that
    never read what is changed are among them: their scores compare, though they cannot drop.
    """
    unit, up = metric["unit"], metric["higher_is_better"]
    by_severity = [pd.DataFrame({name: found.scores[name][s] for name in found.renderers}) for s in found.severities]
    names = [write_severity(severity, found.is_signed) for severity in found.severities]
    measures = [
        Measure(name, unit, up, f"mean {where} at {name}", values)
        for name, values in zip(names, by_severity, strict=True)
    ]
    finished = dict.fromkeys(found.renderers, len(found.scores))
    grid = compare_measures(measures, found.renderers, clusters, None, finished)
    return SeverityScores(
        columns=grid.columns,
        cells=grid.cells,
        unperturbed=found.severities.index(found.neutral),
        pairs=grid.pairs,
        tests=[line for one in zip(measures, grid.pairs, grid.columns, strict=True) for line in _test_best(*one)],
        links=export_sheet(
            assets, f"robustness-{key}-scores", _score_sheet(where, found.severities, names, grid.cells)
        ),
        test_links=export_sheet(
            assets, f"robustness-{key}-score-tests", _pair_sheet(where, found, measures, grid.pairs)
        ),
    )


def _test_best(measure: Measure, pairs: PairTests, column: Column) -> list[BestTest]:
    """Return every other renderer against the one with the best mean."""
    means = measure.values.mean().sort_values(ascending=not measure.higher_is_better, kind="stable")
    best = str(means.index[0])
    lines = []
    for name in map(str, means.index[1:]):
        pair = frozenset((name, best))
        if column.known and measure.values[name].equals(measure.values[best]):
            verdict = EQUAL
        elif not pairs.can_decide:
            verdict = write_undecided(column.known)
        else:
            verdict = "worse" if pairs.differ(name, best) else "not distinguishable"
        lines.append(
            BestTest(
                severity=measure.name,
                renderer=name,
                best=best,
                difference=write_signed(float(means[name] - means[best]), measure.unit),
                p_value=write_p_value(pairs.p_values[pair]),
                adjusted=write_p_value(pairs.adjusted[pair]),
                verdict=verdict,
            )
        )
    return lines


def _score_sheet(
    where: str, severities: Sequence[float], names: Sequence[str], cells: Mapping[str, Sequence[Cell]]
) -> Sheet:
    values = [
        [
            renderer,
            severity,
            cell.value,
            cell.bounds and cell.bounds.low,
            cell.bounds and cell.bounds.high,
            cell.standing,
        ]
        for renderer, line in cells.items()
        for severity, cell in zip(severities, line, strict=True)
    ]
    return Sheet(
        caption=f"{where}: means over scenes at each severity",
        head=["renderer", "severity", "mean", "low", "high", "standing"],
        values=values,
        printed_head=["Renderer", *names],
        printed=[[renderer, *(cell.text for cell in line)] for renderer, line in cells.items()],
        bold=frozenset(
            (line, column)
            for line, row in enumerate(cells.values())
            for column, cell in enumerate(row, 1)
            if cell.standing == "best"
        ),
    )


def _pair_sheet(where: str, found: Degradation, measures: Sequence[Measure], pairs: Sequence[PairTests]) -> Sheet:
    """Return every pair at every severity."""
    values, printed = [], []
    for severity, measure, tests in zip(found.severities, measures, pairs, strict=True):
        means = measure.values.mean()
        for first, second in combinations(found.renderers, 2):
            pair, difference = frozenset((first, second)), float(means[first] - means[second])
            p_value, adjusted = tests.p_values[pair], tests.adjusted[pair]
            values.append([severity, first, second, difference, p_value, adjusted])
            texts = write_signed(difference, measure.unit), write_p_value(p_value), write_p_value(adjusted)
            printed.append([measure.name, first, second, *texts])
    return Sheet(
        caption=f"{where}: paired differences over {write_count(len(found.scores), 'scene')}; sign-flip test, corrected"
        " for all pairs at one severity.",
        head=["severity", "first", "second", "difference", "p", "p_all_pairs"],
        values=values,
        printed_head=["Severity", "First", "Second", "Difference", "p", "p (all pairs)"],
        printed=printed,
    )
