"""The list of all runs, ``reports/index.html``: the newest run's scores, then every run and every comparison.

It is built from what lies on disk, so commands that write one after another cannot lose each other's lines. It is one
file, which needs nothing beside it.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ...benchmarks.latency.session import read_latency
from ...benchmarks.run.store import read_meta
from ...core.errors import BokehBenchError
from ...core.text import one_line
from ..files.assets import INDEX, TEMPLATES, Assets, fill
from ..files.summary import Summary, read_summaries


@dataclass(frozen=True)
class Entry:
    """A line of the list: ``home`` is its first page, empty where there is none; ``note`` what else is to be known.

    ``remedy`` is the command that writes the missing report.
    """

    name: str
    home: str
    summary: Summary | None
    note: str = ""
    remedy: str = ""

    @property
    def folder(self) -> str:
        """Where its pages lie, as a URL."""
        return self.home.rpartition("/")[0]

    @property
    def moment(self) -> str:
        """When the run last did anything, for readers; empty where it is not known."""
        return self.summary.moment[:16].replace("T", " ") if self.summary else ""


def write_overview(reports: Path, results: Path) -> None:
    """Write ``reports/index.html``; ``results`` is where runs are stored. Call it while ``reports`` is held."""
    entries = sorted(find_entries(reports, results), key=lambda entry: entry.moment, reverse=True)
    runs = [entry for entry in entries if entry.summary is None or entry.summary.kind == "run"]
    context = {
        "runs": runs,
        "newest": next((entry for entry in runs if entry.summary), None),
        "comparisons": [entry for entry in entries if entry.summary and entry.summary.kind == "comparison"],
        "icon": base64.b64encode((TEMPLATES / "icon.svg").read_bytes()).decode(),
    }
    Assets(reports).write(INDEX, fill("overview.html", context))


def find_entries(reports: Path, results: Path) -> Iterator[Entry]:
    """Yield a line for every report and for every stored run that has none. What is damaged costs its own line only."""
    with_pages = set()
    for folder, summary in read_summaries(reports):
        with_pages.add(folder)
        if summary is None:
            home = f"{quote(folder)}/{INDEX}" if (reports / folder / INDEX).is_file() else ""
            yield Entry(folder, home, None, "its summary cannot be read", _remedy(folder))
        elif summary.kind == "comparison":
            yield Entry(summary.name, f"{quote(folder)}/{summary.home}", summary)
        else:
            stored, problem = _look_up(results / folder)
            gone = "" if stored else "its results are no longer stored"
            yield Entry(folder, f"{quote(folder)}/{summary.home}", summary, problem or gone)
    for run in _folders_in(results):
        if run.name not in with_pages:
            stored, problem = _look_up(run)
            if problem:
                yield Entry(run.name, "", None, problem)
            elif stored:
                yield Entry(run.name, "", None, "no report has been written yet", _remedy(run.name))


def _remedy(name: str) -> str:
    return f"python run_bench.py --run {name} --report-only"


def _folders_in(results: Path) -> list[Path]:
    try:
        return sorted(path for path in results.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:  # nothing stored, or nothing that may be read
        return []


def _look_up(run: Path) -> tuple[bool, str]:
    """Return whether a run is stored in the folder, and what is wrong with it, in a line."""
    try:
        return bool(read_meta(run)) or read_latency(run) is not None, ""
    except (BokehBenchError, OSError) as error:
        return True, f"its results cannot be read: {one_line(str(error))}"
