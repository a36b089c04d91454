"""Degradation curves: what a metric does along the severities of a perturbation, and the numbers that sum it up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks.run.cases import UNPERTURBED
from ..benchmarks.run.schema import Row
from .perturbations.interface import MARKS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quartiles:
    """25 %, 50 % and 75 % of the scenes at each severity, as ``np.quantile`` interpolates them."""

    low: Floats
    median: Floats
    high: Floats


@dataclass(frozen=True)
class Curve:
    """One renderer along the axis: the metric itself, and per scene how much worse it gets than unperturbed."""

    renderer: str
    score: Quartiles
    drop: Quartiles


class Degradation:
    """A metric on the scenes where every renderer has a value at every severity.

    ``neutral`` is the severity at which the unperturbed case stands on the axis, ``chosen_marks`` where the drop is
    read if it was swept there.

    ``scores`` is scenes x (renderer, severity). ``drops`` holds scenes x severities of each renderer, against the
    unperturbed case of the same scene, above 0 where the metric got worse whichever way it points. ``incomplete`` names
    the renderers that have a severity without any value: they are left out. ``dropped_scenes`` counts the scenes that
    lack a value of another renderer.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        perturbation: str,
        metric: str,
        higher_is_better: bool,
        neutral: float = 0.0,
        chosen_marks: Collection[float] = MARKS,
    ):
        self.neutral = neutral
        self._chosen_marks = chosen_marks
        found = _tabulate(rows, perturbation, metric, neutral)
        absent = found.isna().all(axis=0)
        self.incomplete = [str(name) for name in dict.fromkeys(found.columns[absent].get_level_values(0))]
        kept = found.drop(columns=self.incomplete, level=0)
        self.scores = kept.dropna(axis=0, how="any")
        self.dropped_scenes = len(kept) - len(self.scores)
        self.renderers = [str(name) for name in dict.fromkeys(kept.columns.get_level_values(0))]
        self.severities = [float(s) for s in dict.fromkeys(kept.columns.get_level_values(1))]
        sign = 1.0 if higher_is_better else -1.0
        self.drops = {name: _drop(self.scores_of(name), neutral, sign) for name in self.renderers}

    def curves(self) -> list[Curve]:
        """Return the quartiles along the axis, one curve a renderer; none without a common scene."""
        if self.scores.empty:
            return []
        return [Curve(name, _quartiles(self.scores_of(name)), _quartiles(self.drops[name])) for name in self.renderers]

    def marks(self) -> list[float]:
        """Return the severities that the drop is read at, the chosen ones or the ends, without the neutral one."""
        ends = {min(self.severities), max(self.severities)}
        return sorted((set(self._chosen_marks) & set(self.severities) or ends) - {self.neutral})

    @property
    def is_signed(self) -> bool:
        """Whether severities lie on both sides of the neutral one, or below."""
        return min(self.severities) < self.neutral

    def mean_scores(self) -> pd.DataFrame:
        """Return the area under each scene's curve over the axis's length: scenes x renderers."""
        return self._average({name: self.scores_of(name) for name in self.renderers})

    def mean_drops(self) -> pd.DataFrame:
        """Return the area under each scene's drop over the axis's length, in the metric's unit: scenes x renderers."""
        return self._average(self.drops)

    def _average(self, values: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Integrate by trapezia: unevenly spaced severities count by what lies between them."""
        span = self.severities[-1] - self.severities[0]
        areas = {name: np.trapezoid(lines, self.severities, axis=1) / span for name, lines in values.items()}
        return pd.DataFrame(areas, index=self.scores.index)

    def drops_at(self, severity: float) -> pd.DataFrame:
        """Return each scene's drop at one severity: scenes x renderers."""
        return pd.DataFrame({name: self.drops[name][severity] for name in self.renderers}, index=self.scores.index)

    def scores_of(self, renderer: str) -> pd.DataFrame:
        """Return scenes x severities of one renderer."""
        return pd.DataFrame(self.scores[renderer])


def repeat_blind(rows: Sequence[Row], blind: Collection[str], perturbation: str) -> list[Row]:
    """Return ``rows`` with the unperturbed row of each ``blind`` renderer standing for every severity that others have.

    A renderer that takes nothing of what is changed makes one picture a scene, whatever is done to it.
    """
    severities = {row["severity"]: None for row in rows if row["perturbation"] == perturbation}
    kept = [row for row in rows if row["renderer"] not in blind or row["perturbation"] == UNPERTURBED]
    once = [row for row in kept if row["renderer"] in blind]
    return [*kept, *(row | {"perturbation": perturbation, "severity": s} for row in once for s in severities)]


def _tabulate(rows: Sequence[Row], perturbation: str, metric: str, neutral: float) -> pd.DataFrame:
    """Return scenes x (renderer, severity), NaN where there is no value; ``neutral`` is the unperturbed case.

    Renderers keep the rows' order, severities ascend, seeds are averaged. Renderers without any value are left out.
    """
    values = [
        (row["scene"], row["renderer"], severity_on_axis(row, neutral), row["metrics"].get(metric))
        for row in rows
        if row["perturbation"] in (UNPERTURBED, perturbation) and row["status"] == "ok"
    ]
    table = pd.DataFrame(values, columns=["scene", "renderer", "severity", "value"]).dropna(subset="value")
    means = table.groupby(["scene", "renderer", "severity"], sort=False)["value"].mean()
    columns = pd.MultiIndex.from_product([table["renderer"].unique(), sorted({neutral, *table["severity"]})])
    scenes = list(dict.fromkeys(table["scene"]))
    return means.unstack(["renderer", "severity"]).reindex(index=scenes, columns=columns).astype(float)


def severity_on_axis(row: Row, neutral: float) -> float:
    """Return where a row stands on a perturbation's axis; the unperturbed case stands at ``neutral``."""
    return neutral if row["perturbation"] == UNPERTURBED else float(row["severity"])


def _drop(scores: pd.DataFrame, neutral: float, sign: float) -> pd.DataFrame:
    return scores.rsub(scores[neutral], axis=0) * sign


def _quartiles(values: pd.DataFrame) -> Quartiles:
    low, median, high = np.quantile(values.to_numpy(np.float64), [0.25, 0.5, 0.75], axis=0)
    return Quartiles(low, median, high)
