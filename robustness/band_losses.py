"""Which part of a renderer's loss is the wrong map's: means and quartiles of what rows say of their wrong bands."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks.run.schema import Row

SCORES = ("inside", "true_inside", "outside", "true_outside", "whole", "best", "lost_inside", "lost_outside")


class BandLosses:
    """The wrong bands along one perturbation, on the scenes where every renderer has one at every severity.

    ``values``: one line for each renderer, severity and scene; ``share`` of the picture, and in dB, NaN where no pixel
    is:

    - ``inside, outside``: PSNR within the band and outside it; ``true_inside, true_outside``: from the true map;
    - ``whole``: PSNR of the picture; ``best``: of the same with the band from the true map, which no correction of the
      map exceeds in the renderer's hands, but for its luck;
    - ``lost_inside``: ``best - whole``; ``lost_outside``: the PSNR from the true map less ``best``. Together they are
      the drop.

    ``dropped_scenes`` counts the scenes that lack a value.
    """

    def __init__(self, rows: Sequence[Row], perturbation: str):
        table = pd.DataFrame(
            [
                {name: row[name] for name in ("renderer", "severity", "scene")} | band  # type: ignore[literal-required]
                for row in rows
                if row["perturbation"] == perturbation and row["status"] == "ok" and (band := row.get("wrong_band"))
            ]
        )
        self.values, self.dropped_scenes = _complete(_average_seeds(table)) if len(table) else (table, 0)
        self.renderers = [str(name) for name in dict.fromkeys(table["renderer"])] if len(table) else []
        self.severities = sorted(set(self.values["severity"])) if len(self.values) else []

    @property
    def scenes(self) -> int:
        """How many scenes the means are over."""
        return self.values["scene"].nunique() if len(self.values) else 0

    def means(self) -> pd.DataFrame:
        """Return the mean over scenes of every column: (severity, renderer) x columns."""
        return self.values.groupby(["severity", "renderer"], sort=False)[["share", *SCORES]].mean()

    def quartiles(self, renderer: str, score: str) -> NDArray[np.float64]:
        """Return 25, 50 and 75 % over the scenes of one score, (3, severities); NaN where no scene has one."""
        own = self.values[self.values["renderer"] == renderer]
        return np.array([_quartiles(own[own["severity"] == severity][score]) for severity in self.severities]).T


def _average_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Average the seeds, and add what follows from the scores."""
    scores = ["share", "inside", "true_inside", "outside", "true_outside"]
    table = table.astype(dict.fromkeys(scores, "float64"))
    mean = table.groupby(["renderer", "severity", "scene"], sort=False)[scores].mean().reset_index()
    whole, best, true = (
        _join(mean["share"], mean[inside], mean[outside])
        for inside, outside in (("inside", "outside"), ("true_inside", "outside"), ("true_inside", "true_outside"))
    )
    return mean.assign(whole=whole, best=best, lost_inside=best - whole, lost_outside=true - best)


def _join(share: pd.Series, inside: pd.Series, outside: pd.Series) -> pd.Series:
    """Return the PSNR over two parts of a picture by those of the parts; a part of no pixels counts nothing."""
    errors = share * 10.0 ** (-inside / 10.0).fillna(0.0) + (1.0 - share) * 10.0 ** (-outside / 10.0).fillna(0.0)
    return -10.0 * np.log10(errors)


def _complete(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the lines of scenes that every renderer has at every severity, and how many scenes are left out."""
    wanted = table["renderer"].nunique() * table["severity"].nunique()
    counts = table["scene"].map(table["scene"].value_counts())
    return table[counts == wanted], int(table[counts < wanted]["scene"].nunique())


def _quartiles(values: pd.Series) -> NDArray[np.float64]:
    known = values.dropna()
    return np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else np.full(3, np.nan)
