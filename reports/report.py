"""Reports: the pages of a run or a comparison with their files in a folder of their own, and the list of all of them.

They are readable from a disk without any network, and the folder of one can be copied elsewhere.
"""

import logging
from pathlib import Path
from typing import Any

from ..benchmarks.latency.session import read_latency
from ..benchmarks.run.cases import UNPERTURBED
from ..benchmarks.run.run_record import now
from ..benchmarks.run.store import REMEDY, StoredRun, read_meta
from ..benchmarks.statistics.run_comparison import RunComparison
from ..core.errors import BokehBenchError, DamagedRecordError, InvalidOptionError
from .files.assets import INDEX, Assets, writing
from .files.summary import Summary, write_summary
from .pages.ablations import describe_ablations
from .pages.comparison import describe_comparison
from .pages.index import describe_index
from .pages.latency import describe_latency
from .pages.leaderboard import describe_leaderboard
from .pages.overview import write_overview
from .pages.refinement import describe_refinement
from .pages.robustness import describe_robustness
from .parts.gallery import Gallery
from .parts.pictures import PictureMaker, describe_colours
from .parts.problems import Problem
from .parts.run_facts import describe_renderers, summarise_run
from .parts.sections import describe_sections
from .parts.summaries import ROBUSTNESS, summarise_comparison, summarise_latency, summarise_report

log = logging.getLogger(__name__)

LATENCY, LEADERBOARD = "latency.html", "leaderboard.html"
TITLES = {
    INDEX: "Results",
    LEADERBOARD: "Leaderboard",
    "gallery.html": "Gallery",
    ROBUSTNESS: "Robustness",
    "refinement.html": "Refined disparity",
    "ablations.html": "Ablations",
    LATENCY: "Latency",
}
"""Every page of a run's report, in the order of its menu."""

USUAL_REFERENCE = "classical"
"""What renderers are tested against where the user names nothing else and it is in the run; else the first renderer."""


def write_report(run: StoredRun, reports_dir: Path, reference: str | None = None) -> Path:
    """Write the run's pages into ``reports_dir/RUN/`` and the list of all runs; return the run's first page.

    ``reference`` is the renderer that the others are tested against. Files that are there and up to date are kept,
    those of the run's earlier report that are no longer needed are removed; nothing of another run is touched. Each
    page appears at once, index.html last. Raises MissingDataError for a stored picture that cannot be read,
    InvalidOptionError for a reference that is not in the run or a folder that is not a report's.
    """
    chosen = choose_reference(run, reference)
    with writing(reports_dir, run.folder.name) as assets:
        maker = PictureMaker(assets)
        pages = _describe(run, maker, chosen)
        for fault in maker.faults:
            log.warning("%s, so it is not shown: %s", fault, REMEDY)
        maker.make()
        for name in [*list(pages)[1:], INDEX]:
            assets.write_page(name, pages[name])
        _finish(assets, summarise_report(run, pages))
    return reports_dir / run.folder.name / INDEX


def write_latency(folder: Path, reports_dir: Path) -> Path:
    """Write the latency page of the run in ``folder``, within the run's report where it has a benchmark too.

    Returns the page's path. Raises InvalidOptionError where nothing was measured or the folder cannot be written.
    """
    record = read_latency(folder)
    if record is None:
        raise InvalidOptionError(f"{folder}: expected measurements of latency, found none: run --latency")
    try:
        has_benchmark = read_meta(folder) is not None
    except DamagedRecordError as error:
        has_benchmark = False
        log.warning("%s: the report has the page of latency alone", error)
    if has_benchmark:
        write_report(StoredRun.open(folder), reports_dir)
        return reports_dir / folder.name / LATENCY
    with writing(reports_dir, folder.name) as assets:
        pages = {LATENCY: TITLES[LATENCY]}
        shared = {"run": {"name": folder.name, "origin": ""}, "pages": pages, "page": LATENCY, "home": LATENCY}
        assets.write_page(LATENCY, shared | describe_latency(record, assets, {}))
        _finish(assets, summarise_latency(folder.name, record, pages))
    return reports_dir / folder.name / LATENCY


def write_comparison(comparison: RunComparison, reports_dir: Path) -> Path:
    """Write what changed between two runs into ``reports_dir/FIRST+SECOND/`` and the list; return the page's path.

    No run has a plus in its name, so the folder is the comparison's own. Raises InvalidOptionError where it cannot be
    written.
    """
    name = f"{comparison.first}+{comparison.second}"
    with writing(reports_dir, name) as assets:
        context = describe_comparison(comparison, assets)
        assets.write_page(INDEX, context | {"pages": {INDEX: "Comparison"}, "page": INDEX}, "comparison.html")
        _finish(assets, summarise_comparison(comparison, context["lead"], now()))
    return reports_dir / name / INDEX


def _finish(assets: Assets, summary: Summary) -> None:
    """Complete a report, forget what its last version had in excess, and renew the list of runs."""
    assets.copy_parts()
    write_summary(assets, summary)
    assets.remove_stale()
    reports = assets.folder.parent
    write_overview(reports, reports.parent / "results")


def choose_reference(run: StoredRun, wanted: str | None) -> str | None:
    """Return the renderer that the others are tested against. Raises InvalidOptionError where it is not in the run."""
    names = list(run.meta["renderers"])
    if wanted is None:
        return USUAL_REFERENCE if USUAL_REFERENCE in names else next(iter(names), None)
    if wanted not in names:
        raise InvalidOptionError(f"--reference '{wanted}': expected a renderer of this run: {', '.join(names)}")
    return wanted


def _describe(run: StoredRun, maker: PictureMaker, reference: str | None) -> dict[str, dict[str, Any]]:
    """Return the context of every page that the run has anything for, in the order of the menu."""
    rows = [row for row in run.rows if row["perturbation"] == UNPERTURBED]
    gallery = Gallery(run, rows, maker)
    # The sweep may have renderers of its own.
    names = dict.fromkeys([*run.meta["renderers"], *run.meta.get("sweep", {}).get("renderers", {})])
    styles = {name: number for number, name in enumerate(names)}
    renderers = describe_renderers(run, rows)
    sections = describe_sections(run, rows, gallery, reference, styles)
    first = describe_index(run, gallery)
    contexts = {
        INDEX: first,
        "gallery.html": {} if run.has_pictures else None,
        ROBUSTNESS: describe_robustness(run, maker, reference, styles),
        "refinement.html": describe_refinement(run, maker),
        "ablations.html": describe_ablations(run, rows, maker.assets),
    }
    try:
        measured = read_latency(run.folder)
    except BokehBenchError as error:  # costs its own page, not those of the benchmark
        measured = None
        log.warning("%s: the report lacks the page of latency", error)
        first["problems"].append(Problem("The latency page was not written:", str(error)))
    else:
        contexts[LATENCY] = describe_latency(measured, maker.assets, styles) if measured else None
    contexts[LEADERBOARD] = describe_leaderboard(run, measured)
    found = {name: context for name, context in contexts.items() if context is not None}
    shared = {
        "run": summarise_run(run, rows),
        "pages": {name: title for name, title in TITLES.items() if name in found},
        "sections": sections,
        "renderers": renderers,
        "numbers": {renderer["name"]: number for number, renderer in enumerate(renderers, 1)},
        "colours": describe_colours(),
    }
    return {name: shared | context | {"page": name} for name, context in found.items()}
