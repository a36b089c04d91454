"""The worst and the best cases of each renderer, found from the scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .cells import Measure
from .gallery import Render, SceneView
from .numbers import write_score, write_signed

CASES_SHOWN = 2
"""So many worst and so many best cases of each renderer are shown."""


@dataclass(frozen=True)
class ExtremeCase:
    """A case that stands out: its pictures, what it is, its score, how far it lies from the other renderers' mean."""

    view: SceneView
    render: Render
    meaning: str
    score: str
    advantage: str


@dataclass(frozen=True)
class Extremes:
    """One renderer's cases, the most extreme first."""

    renderer: str
    worst: list[ExtremeCase]
    best: list[ExtremeCase]


def find_extremes(measure: Measure) -> dict[str, tuple[list[str], list[str]]]:
    """Return each renderer's worst and best scenes, most extreme first.

    Raw scores would name the hard and the easy scenes, the same for everyone. So a renderer is measured against the
    mean of the others on the same scene; alone, by its own scores. A scene is never both.
    """
    advantages = _advantages(measure)
    chosen = {}
    for name in advantages.columns:
        ranked = advantages[name].dropna().sort_values(kind="stable")
        count = min(CASES_SHOWN, len(ranked) // 2)
        names = [str(scene) for scene in ranked.index]
        chosen[str(name)] = (names[:count], names[::-1][:count])
    return chosen


def show_extremes(measure: Measure, views: Sequence[SceneView]) -> list[Extremes]:
    """Return the cases of every renderer that has any, with the pictures of ``views``."""
    by_name = {view.name: view for view in views}
    advantages = _advantages(measure)

    def show(renderer: str, scenes: Sequence[str], worst: bool) -> list[ExtremeCase]:
        shown = [by_name[scene] for scene in scenes if scene in by_name]
        return [_extreme_case(measure, advantages, renderer, view, worst) for view in shown]

    return [
        Extremes(renderer, show(renderer, worst, True), show(renderer, best, False))
        for renderer, (worst, best) in find_extremes(measure).items()
        if worst
    ]


def _advantages(measure: Measure) -> pd.DataFrame:
    """Return how much better than the others' mean each renderer is on each scene, above 0 where it is better."""
    values = measure.values.dropna(axis=1, how="all").dropna(axis=0, how="any")
    sign = 1.0 if measure.higher_is_better else -1.0
    count = values.shape[1]
    if count < 2:
        return sign * values
    others = values.rsub(values.sum(axis=1), axis=0) / (count - 1)
    return sign * (values - others)


def _extreme_case(
    measure: Measure, advantages: pd.DataFrame, renderer: str, view: SceneView, worst: bool
) -> ExtremeCase:
    value = float(measure.values[renderer][view.name])
    sign = 1.0 if measure.higher_is_better else -1.0
    alone = advantages.shape[1] < 2
    advantage = float(advantages[renderer][view.name])
    rivals = [str(name) for name in advantages.columns if name != renderer]
    others, mean = (rivals[0], rivals[0]) if len(rivals) == 1 else ("the others", "the others' mean")
    gap = sign * advantage
    return ExtremeCase(
        view=view,
        render=next(render for render in view.renders if render.renderer == renderer),
        meaning=("worst score" if worst else "best score") if alone else _name_case(advantage, worst, others),
        score=f"{measure.name} {write_score(value, measure.unit)} {measure.unit}".rstrip(),
        advantage="" if alone else f"{write_signed(gap, measure.unit)} against {mean}",
    )


def _name_case(advantage: float, worst: bool, others: str) -> str:
    """Say what a case is among its renderer's own, which may be ahead of the others, or behind them, everywhere."""
    if worst:
        return f"furthest behind {others}" if advantage < 0 else f"least ahead of {others}"
    return f"furthest ahead of {others}" if advantage > 0 else f"least behind {others}"
