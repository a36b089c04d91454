"""The first page: the verdict, what did not work, the scores of every data set, how they were made, and the method."""

from typing import Any

from ...benchmarks.run.store import StoredRun
from ..parts.gallery import Gallery
from ..parts.intervals import describe_intervals
from ..parts.problems import find_absent, find_oddities, find_problems
from ..parts.run_facts import describe_environments


def describe_index(run: StoredRun, gallery: Gallery) -> dict[str, Any]:
    """Return what the first page has beside what all pages share. Call it once ``gallery`` has seen every picture."""
    return {
        "metrics": [{"name": name, **metric} for name, metric in run.meta["metrics"].items()],
        "environments": describe_environments(run),
        "problems": find_problems(run.meta, run.rows, gallery.damaged, gallery.lost),
        "absent": find_absent(run.meta),
        "oddities": find_oddities(run.meta, run.scenes),
        "intervals": describe_intervals(),
    }
