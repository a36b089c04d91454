"""Is a renderer different from a reference? Paired tests over independent scenes, corrected for how many are asked."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from .resampling import RESAMPLES, Floats, Interval, expanded_interval, number_clusters, resample_means

LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """One renderer against the reference on the same scenes.

    ``difference`` is the renderer's mean minus the reference's, with its 95 % interval (None below two clusters).
    ``p_value`` is the two-sided Wilcoxon signed-rank test's, ``adjusted`` after Holm's correction. ``effect`` is the
    matched-pairs rank-biserial correlation in [-1,1] and ``win_rate`` in [0,1] the part of units that the renderer wins
    (a tie counts half): both are above 0 and 0.5 where the renderer is better, whichever way the metric points.
    """

    renderer: str
    difference: float
    interval: Interval | None
    p_value: float
    adjusted: float
    effect: float
    win_rate: float

    @property
    def significant(self) -> bool:
        """Whether the corrected test rejects equality at 5 %."""
        return self.adjusted < LEVEL


@dataclass(frozen=True, kw_only=True)
class ReferenceComparison:
    """Every renderer against ``reference``, in the order of the scores' columns; ``units`` are the independent scenes.

    ``warning`` is one sentence where there are too few of them for any test to find anything, or None.
    """

    reference: str
    tests: tuple[PairedTest, ...]
    units: int
    warning: str | None

    def find(self, renderer: str) -> PairedTest | None:
        """Return a renderer's test; None for the reference and for renderers without scores."""
        return next((test for test in self.tests if test.renderer == renderer), None)


def compare_to_reference(
    scores: pd.DataFrame,
    clusters: Mapping[Hashable, Hashable] | pd.Series,
    higher_is_better: bool,
    reference: str,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> ReferenceComparison | None:
    """Test every column of ``scores`` (scenes x renderers, NaN where there is none) against the column ``reference``.

    None where the reference has no score. As in ``compare_renderers``, only scenes that all scored renderers share
    count. Scenes of a cluster are not independent: tests, effect and win rate read one mean a cluster.
    Holm's correction is over the renderers of this call.
    Source: Holm 1979; Kerby, "The Simple Difference Formula", 2014 (matched-pairs rank-biserial correlation).
    """
    compared = scores.dropna(axis=1, how="all").dropna(axis=0, how="any")
    if compared.empty or reference not in compared:
        return None
    others = [name for name in compared if name != reference]
    values = compared[others].to_numpy(np.float64) - compared[[reference]].to_numpy(np.float64)
    members, units = number_clusters(compared.index, clusters)
    resampled = resample_means(values, members, resamples, seed) if others else values
    per_unit = pd.DataFrame(values).groupby(members).mean().to_numpy()
    sign = 1.0 if higher_is_better else -1.0
    tests = [
        PairedTest(
            renderer=str(name),
            difference=float(values[:, column].mean()),
            interval=expanded_interval(resampled[:, column], units),
            p_value=_signed_rank_p(per_unit[:, column]),
            adjusted=1.0,
            effect=rank_biserial(sign * per_unit[:, column]),
            win_rate=float((np.sign(sign * per_unit[:, column]).mean() + 1.0) / 2.0),
        )
        for column, name in enumerate(others)
    ]
    return ReferenceComparison(reference=reference, tests=correct(tests), units=units, warning=_warn(units, len(tests)))


def correct(tests: Sequence[PairedTest]) -> tuple[PairedTest, ...]:
    """Return the tests with Holm's correction over all of them."""
    adjusted = holm([test.p_value for test in tests])
    return tuple(replace(test, adjusted=p) for test, p in zip(tests, adjusted, strict=True))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p-values, in the order given: below 5 %, the family-wise error is too."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values, np.float64)[order] * factors))
    adjusted = np.empty(len(p_values))
    adjusted[order] = stepped
    return adjusted.tolist()


def rank_biserial(differences: Floats) -> float:
    """Return (favourable - unfavourable) / all of the ranks of the absolute differences; zeros are left out."""
    nonzero = differences[differences != 0.0]
    if not len(nonzero):
        return 0.0
    ranks = stats.rankdata(np.abs(nonzero))
    return float((np.sign(nonzero) * ranks).sum() / ranks.sum())


def _signed_rank_p(differences: Floats) -> float:
    """Two-sided; zeros are left out, and without any difference there is nothing to find."""
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="wilcox").pvalue)


def _warn(units: int, tests: int) -> str | None:
    """With n units the smallest two-sided p-value is 2^(1-n): too few of them cannot show any difference."""
    if tests == 0 or 2.0 ** (1 - units) * tests < LEVEL:
        return None
    several = f" corrected for {tests} renderers," if tests > 1 else ""
    return f"{units} independent scenes are too few:{several} the signed-rank test cannot find any difference at 5 %"
