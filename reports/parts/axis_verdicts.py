"""What an axis of a sweep says in words: who is best along it and where nothing is wrong, where renderers cross."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ...core.errors import UnknownNameError
from ...renderers.registry import RENDERERS
from ...renderers.stages.registry import take_apart
from .cells import Cell, Column
from .numbers import write_gap
from .severity_scores import SeverityScores
from .verdicts import judge_column

MOST_NAMED = 5
"""Renderers behind the best that the sentence on unperturbed input names; the table has all."""


@dataclass(frozen=True)
class AxisVerdict:
    """The ``lead`` sentence of an axis, ``more`` that refine it, and ``warnings`` that limit all of them."""

    lead: str
    more: Sequence[str] = ()
    warnings: Sequence[str] = ()


def judge_axis(axis: Any) -> AxisVerdict:
    """Say of an axis who has the best mean of its first metric along it, without any fault, and at each severity."""
    where = f"{axis.dataset} with {axis.fault} ({axis.perturbation})"
    metric = axis.metrics[0] if axis.metrics else None
    if metric is None or not metric.grid.cells:
        return AxisVerdict(f"{where}: no score along the axis.")
    column = replace(metric.grid.columns[0], name=metric.name)
    cells = {name: cells[0] for name, cells in metric.grid.cells.items()}
    unperturbed = f"With {axis.truth} ({axis.perturbation} {metric.scores.columns[metric.scores.unperturbed].name})"
    more = [
        _judge_unperturbed(unperturbed, metric.name, metric.unit, metric.scores),
        *_judge_stages(unperturbed, metric.name, metric.unit, metric.scores),
        _judge_order(metric.scores),
    ]
    return AxisVerdict(
        judge_column(where, column, cells, " over the axis"), [text for text in more if text], axis.warnings
    )


def join_warnings(metrics: Iterable[Any]) -> list[str]:
    """Return the warnings of an axis's metrics, each once, with the metrics that it concerns unless it concerns all."""
    found = list(metrics)
    texts = dict.fromkeys(text for metric in found for text in metric.grid.warnings)
    concerned = {text: [metric.name for metric in found if text in metric.grid.warnings] for text in texts}
    return [
        text if len(names) == len(found) else f"{', '.join(names)}: {text[0].lower()}{text[1:]}"
        for text, names in concerned.items()
    ]


def _judge_unperturbed(where: str, metric: str, unit: str, scores: SeverityScores) -> str:
    """Say who is best where nothing is wrong, and by how much the others are behind: whether any does harm there."""
    place = scores.unperturbed
    column, cells = scores.columns[place], _column(scores, place)
    leaders = _leaders(cells)
    if not leaders:
        return ""
    best, *equal = [name for name in cells if name in leaders]
    ranked = sorted(cells, key=lambda name: cells[name].value or 0.0, reverse=column.higher_is_better)
    gaps = {name: _write_gap(name, best, unit, scores) for name in ranked if name not in leaders}
    others = [f"{name} {gap or 'without a value'}" for name, gap in gaps.items()]
    rest = len(others) - MOST_NAMED
    named = ", ".join(others[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    lead = f"{where}: {best} has the best mean {metric}, {cells[best].text} {unit}".rstrip()
    lead += f", as {'has' if len(equal) == 1 else 'have'} {', '.join(equal)}" if equal else ""
    return f"{lead}; {named}." if named else f"{lead}."


def _judge_stages(where: str, metric: str, unit: str, scores: SeverityScores) -> list[str]:
    """Say of renderers with a stage what the stage does where nothing is wrong, if that is not said of the best."""
    best = _leaders(_column(scores, scores.unperturbed))
    sentences = []
    for name in scores.cells:
        plain = _without_stage(name)
        if plain in scores.cells and best.isdisjoint((name, plain)):
            gap = _write_gap(name, plain, unit, scores)
            if gap == "":
                sentences.append(f"{where} {name} does not differ from {plain} in mean {metric}.")
            elif gap is not None:
                sentences.append(f"{where} {name} differs from {plain}, in mean {metric}, by {gap}.")
    return sentences


def _without_stage(name: str) -> str:
    """Return a name without its outermost stage; empty where it has none that is known here."""
    try:
        taken = take_apart(name, RENDERERS.entries)
    except UnknownNameError:  # of a package that is not here: imported runs may have them
        return ""
    return taken.renderer if taken else ""


def _write_gap(renderer: str, other: str, unit: str, scores: SeverityScores) -> str | None:
    """Write how far a mean is from another where nothing is wrong, and what the test says.

    Empty where the two are equal, None without values.
    """
    cells, pairs = _column(scores, scores.unperturbed), scores.pairs[scores.unperturbed]
    first, second = cells[renderer].value, cells[other].value
    if first is None or second is None:
        return None
    if first == second:
        return ""
    gap = f"{write_gap(first - second, unit)} {unit}".rstrip()
    if not pairs.can_decide:
        return gap
    up = scores.columns[scores.unperturbed].higher_is_better
    verdict = "better" if (first > second) == up else "worse"
    return f"{gap} ({verdict if pairs.differ(renderer, other) else 'not distinguishable'})"


def _judge_order(scores: SeverityScores) -> str:
    """Say who has the best mean at which severities, and where the test tells that one from all others."""
    runs = _find_runs(scores)
    if not runs:
        return ""
    if len(runs) == 1:
        order = f"{runs[0][0]} has the best mean at every severity"
    else:
        order = "Best mean " + ", ".join(f"at {_write_range(columns)}: {name}" for name, columns in runs)
    if not all(column.can_decide for column in scores.columns):
        return f"{order}."
    places = range(len(scores.columns))
    alone = [sum(cell.standing != "" for cell in _column(scores, place).values()) == 1 for place in places]
    groups = groupby(zip(scores.columns, alone, strict=True), lambda one: one[1])
    sure = [_write_range([column for column, _ in group]) for is_alone, group in groups if is_alone]
    where = "at every severity" if all(alone) else f"at {', '.join(sure)}" if sure else "at no severity"
    other = "every other" if len(scores.cells) > 2 else "the other"
    return f"{order}; distinguishable from {other} {where}."


def _find_runs(scores: SeverityScores) -> list[tuple[str, list[Column]]]:
    """Return who is best over which neighbouring severities; of equal means those that lead on count."""
    runs: list[tuple[set[str], list[Column]]] = []
    for place, column in enumerate(scores.columns):
        leaders = _leaders(_column(scores, place))
        if not leaders:
            return []
        if runs and runs[-1][0] & leaders:
            runs[-1] = runs[-1][0] & leaders, [*runs[-1][1], column]
        else:
            runs.append((leaders, [column]))
    return [(next(name for name in scores.cells if name in leaders), columns) for leaders, columns in runs]


def _leaders(cells: dict[str, Cell]) -> set[str]:
    """Return who has the best mean: several where means are equal."""
    best = next((cell.value for cell in cells.values() if cell.standing == "best"), None)
    return {name for name, cell in cells.items() if cell.value is not None and cell.value == best}


def _column(scores: SeverityScores, place: int) -> dict[str, Cell]:
    return {name: line[place] for name, line in scores.cells.items()}


def _write_range(columns: Sequence[Column]) -> str:
    first, last = columns[0].name, columns[-1].name
    return first if first == last else f"{first} to {last}"
