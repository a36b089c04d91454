"""How many scenes the means of a table are over, in words: those that count, of those that were tried."""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from ...benchmarks.run.store import UNKNOWN_UNIT
from .cells import Column, Measure
from .numbers import write_count


def find_scored_scenes(measures: Sequence[Measure]) -> list[str]:
    """Return the scenes on which every renderer has a score in some measure: those that means are over.

    A scene without a target is rendered and has no score. As in ``rank_renderers``, renderers without any score in a
    measure do not count for it.
    """
    scored: dict[str, None] = {}
    for measure in measures:
        known: pd.DataFrame = measure.values.dropna(axis="columns", how="all").dropna(axis="index", how="any")
        if len(known.columns):
            scored |= dict.fromkeys(map(str, known.index))
    return list(scored)


def write_basis(
    tried: int, scored: Collection[str], columns: Sequence[Column], clusters: Mapping[str, str], finished: int
) -> str:
    """Say what means are over: the ``scored`` scenes of those ``tried``, and which ``columns`` have fewer.

    ``clusters`` names the independent unit of each scene; without columns, times alone are over ``finished`` scenes.
    """
    if not columns:
        return f"No metric was computed: times alone, on {write_count(finished, 'scene')}"
    if not scored:
        return f"No mean: on none of {write_count(tried, 'scene')} has every renderer a score"
    units = {clusters[scene] for scene in scored}
    independent = f", {len(units)} of them independent" if len(units) != len(scored) else ""
    if UNKNOWN_UNIT in units:
        independent = ", which of them are independent is unknown"
    fewer = ", ".join(f"{c.name} over {c.scenes}" for c in columns if c.scenes != len(scored))
    means = f"{independent} ({fewer})" if fewer else independent
    if tried == 1:
        return f"Scores on a single scene{means}"
    if len(scored) == tried:
        return f"Means over all {tried} scenes{means}"
    lead = "Scores on" if len(scored) == 1 else "Means over"
    return f"{lead} the {len(scored)} of {tried} scenes on which every renderer has a score{means}"
