"""The report of a run: pages with their files in a folder beside them, readable from a disk without any network."""

import logging
from pathlib import Path
from typing import Any

from ..benchmarks.latency.session import read_latency
from ..benchmarks.run.cases import UNPERTURBED
from ..benchmarks.run.store import REMEDY, StoredRun, read_meta
from ..core.errors import DamagedRecordError, InvalidOptionError
from .files.assets import writing
from .pages.ablations import describe_ablations
from .pages.index import describe_index
from .pages.latency import describe_latency
from .pages.robustness import describe_robustness
from .parts.gallery import Gallery
from .parts.pictures import PictureMaker, describe_colours
from .parts.run_facts import describe_renderers, summarise_run
from .parts.sections import describe_sections

log = logging.getLogger(__name__)

INDEX, LATENCY = "index.html", "latency.html"
TITLES = {
    INDEX: "Results",
    "gallery.html": "Gallery",
    "robustness.html": "Robustness",
    "ablations.html": "Ablations",
    LATENCY: "Latency",
}
"""Every page of a run's report, in the order of its menu."""

USUAL_REFERENCE = "classical"
"""What renderers are tested against where the user names nothing else and it is in the run; else the first renderer."""


def write_report(run: StoredRun, reports_dir: Path, reference: str | None = None) -> Path:
    """Write ``reports_dir/index.html``, the pages it leads to, and ``reports_dir/assets/``; return index.html's path.

    ``reference`` is the renderer that the others are tested against. Files that are there and up to date are kept,
    those of an earlier report that are no longer needed are removed. Each page appears at once, index.html last.
    Raises MissingDataError for a stored picture that cannot be read, InvalidOptionError for a reference that is not in
    the run or a folder that cannot be written.
    """
    chosen = choose_reference(run, reference)
    with writing(reports_dir) as assets:
        maker = PictureMaker(assets)
        pages = _describe(run, maker, chosen)
        for fault in maker.faults:
            log.warning("%s, so it is not shown: %s", fault, REMEDY)
        maker.make()
        assets.copy_parts()
        for name in [*list(pages)[1:], INDEX]:
            assets.write_page(name, pages[name])
        assets.remove_stale()
    return reports_dir / INDEX


def write_latency(folder: Path, reports_dir: Path) -> Path:
    """Write the latency page of the run in ``folder``, within the run's report where it has a benchmark too.

    Returns the page's path. Raises InvalidOptionError where nothing was measured or the folder cannot be written.
    """
    try:
        has_benchmark = read_meta(folder) is not None
    except DamagedRecordError as error:
        has_benchmark = False
        log.warning("%s: the report has the page of latency alone", error)
    if has_benchmark:
        write_report(StoredRun.open(folder), reports_dir)
        return reports_dir / LATENCY
    record = read_latency(folder)
    if record is None:
        raise InvalidOptionError(f"{folder}: expected measurements of latency, found none: run --latency")
    with writing(reports_dir) as assets:
        assets.copy_parts()
        titles = {INDEX: "Results", LATENCY: "Latency"} if (reports_dir / INDEX).exists() else {}
        shared = {"run": {"name": folder.name}, "pages": titles, "page": LATENCY, "home": next(iter(titles), LATENCY)}
        assets.write_page(LATENCY, shared | describe_latency(record, assets, {}))
    return reports_dir / LATENCY


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
    try:
        measured = read_latency(run.folder)
    except DamagedRecordError as error:
        measured = None
        log.warning("%s: the report lacks its page", error)
    contexts = {
        INDEX: describe_index(run, gallery),
        "gallery.html": {},
        "robustness.html": describe_robustness(run, maker, reference, styles),
        "ablations.html": describe_ablations(run, rows, maker.assets),
        LATENCY: describe_latency(measured, maker.assets, styles) if measured else None,
    }
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
