"""Which renderers differ? Paired tests over independent scenes, corrected for how many pairs are compared.

A table marks who cannot be distinguished from the best, and the best is found from the same scores; another compares
everybody with a reference. Both are read from one family, all pairs of renderers on one measure, so they agree.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from .resampling import RESAMPLES, Floats, Interval, expanded_interval, number_clusters, resample_means
from .sign_flips import sign_flip_test, smallest_p_value

SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class PairTests:
    """The sign-flip test of every pair of renderers on the same scenes.

    Of each pair the p-value, and ``adjusted`` the same corrected for all pairs: see ``sign_flip_test``; ``units`` are
    the independent scenes.
    """

    p_values: Mapping[frozenset[str], float]
    adjusted: Mapping[frozenset[str], float]
    units: int

    def differ(self, first: str, second: str) -> bool:
        """Whether the corrected test rejects equality at 5 %."""
        return self.adjusted[frozenset((first, second))] < SIGNIFICANCE_LEVEL

    @property
    def can_decide(self) -> bool:
        """Whether there are units enough for any test to find a difference."""
        return self.warning is None

    @property
    def warning(self) -> str | None:
        """One sentence where there are too few units for any test to find anything, or None."""
        if not self.p_values or smallest_p_value(self.units) < SIGNIFICANCE_LEVEL:
            return None
        scenes = "1 independent scene is" if self.units == 1 else f"{self.units} independent scenes are"
        return f"{scenes} too few: the sign-flip test cannot find any difference at 5 %"


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """One renderer against the reference on the same scenes.

    ``difference`` is the renderer's mean minus the reference's, with its 95 % interval (None below two clusters).
    ``p_value`` is the sign-flip test's, ``adjusted`` the same corrected for all pairs: see ``PairTests``; ``gain`` is
    what it tests, the mean over independent scenes, above 0 where the renderer is better.
    ``effect`` is the matched-pairs rank-biserial correlation in [-1,1] and ``win_rate`` in [0,1] the part of units that
    the renderer wins (a tie counts half): both are above 0 and 0.5 where the renderer is better, whichever way the
    metric points. ``equal``: the two have the same score on every scene, to the bit.
    """

    renderer: str
    difference: float
    interval: Interval | None
    p_value: float
    adjusted: float
    gain: float
    effect: float
    win_rate: float
    equal: bool = False

    @property
    def significant(self) -> bool:
        """Whether the corrected test rejects equality at 5 %."""
        return self.adjusted < SIGNIFICANCE_LEVEL


@dataclass(frozen=True, kw_only=True)
class ReferenceComparison:
    """Every renderer against ``reference``, in the order of the scores' columns; ``pairs`` are the tests behind it."""

    reference: str
    tests: tuple[PairedTest, ...]
    pairs: PairTests

    def find(self, renderer: str) -> PairedTest | None:
        """Return a renderer's test; None for the reference and for renderers without scores."""
        return next((test for test in self.tests if test.renderer == renderer), None)


def compare_pairs(scores: pd.DataFrame, clusters: Mapping[Hashable, Hashable] | pd.Series) -> PairTests:
    """Test every pair of the columns of ``scores`` (scenes x renderers, NaN where there is none).

    As in ``rank_renderers``, only scenes that all scored renderers share count. Scenes of a cluster are not
    independent: the tests read one mean a cluster.
    """
    compared = _shared(scores)
    members, units = number_clusters(compared.index, clusters)
    per_unit = compared.groupby(members).mean()
    pairs = [*combinations(compared.columns, 2)]
    differences = [(per_unit[first] - per_unit[second]).to_numpy(np.float64) for first, second in pairs]
    tested = sign_flip_test(np.reshape(differences, (len(pairs), units)).T)
    names = [frozenset((str(first), str(second))) for first, second in pairs]
    p_values, adjusted = (dict(zip(names, values.tolist(), strict=True)) for values in tested)
    return PairTests(p_values=p_values, adjusted=adjusted, units=units)


def compare_to_reference(
    scores: pd.DataFrame,
    clusters: Mapping[Hashable, Hashable] | pd.Series,
    higher_is_better: bool,
    reference: str,
    pairs: PairTests | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> ReferenceComparison | None:
    """Test every column of ``scores`` (scenes x renderers, NaN where there is none) against the column ``reference``.

    None where the reference has no score. ``pairs``: the tests of these scores where they are at hand; scenes and units
    are theirs, and effect and win rate read one mean a unit too.
    Source: Kerby, "The Simple Difference Formula", 2014 (matched-pairs rank-biserial correlation).
    """
    compared = _shared(scores)
    if compared.empty or reference not in compared:
        return None
    pairs = pairs or compare_pairs(scores, clusters)
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
            p_value=pairs.p_values[frozenset((str(name), reference))],
            adjusted=pairs.adjusted[frozenset((str(name), reference))],
            gain=float(sign * per_unit[:, column].mean()),
            effect=rank_biserial(sign * per_unit[:, column]),
            win_rate=float((np.sign(sign * per_unit[:, column]).mean() + 1.0) / 2.0),
            equal=not values[:, column].any(),
        )
        for column, name in enumerate(others)
    ]
    return ReferenceComparison(reference=reference, tests=tuple(tests), pairs=pairs)


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
    ranks = pd.Series(np.abs(nonzero)).rank().to_numpy()
    return float((np.sign(nonzero) * ranks).sum() / ranks.sum())


def _shared(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the renderers with any score, on the scenes that all of them have one on."""
    return scores.dropna(axis=1, how="all").dropna(axis=0, how="any")
