"""The report of ``--latency``: its page, within the run's report where there is one, and a table for the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...benchmarks.latency.session import read_latency
from ...benchmarks.run.store import StoredRun, read_meta
from ..files.assets import writing
from ..parts.latency_figures import write_size
from .index import render_page, write_report
from .latency import describe_latency, describe_line

Record = Mapping[str, Any]

PAGE = "latency.html"


def write_latency(folder: Path, reports_dir: Path) -> Path:
    """Write the latency page of the run in ``folder``, within the run's report where it has a benchmark too.

    Returns the page's path. Raises InvalidOptionError where nothing was measured or the folder cannot be written.
    """
    if read_meta(folder):
        write_report(StoredRun.open(folder), reports_dir)
        return reports_dir / PAGE
    record = read_latency(folder)
    assert record is not None, "written by run_latency"  # noqa: S101
    with writing(reports_dir) as assets:
        assets.copy_parts()
        found = describe_latency(record, assets, {})
        pages = {"index.html": "Results", PAGE: "Latency"} if (reports_dir / "index.html").exists() else {}
        shared = {"run": {"name": folder.name}, "pages": pages, "page": PAGE, "home": next(iter(pages), PAGE)}
        assets.write(PAGE, render_page(PAGE, shared | found))
    return reports_dir / PAGE


def print_latency(record: Record) -> str:
    """Return the planned measurements as an aligned table for a terminal."""
    head = ["renderer", "size", "radius", "median", "quartiles", "Mpx/s", "memory", ""]
    lines = [head]
    for key in record["plan"]:
        one = record["measurements"][key]
        place = [one["renderer"], write_size(one), f"{one['radius_px']:g} px"]
        if one["status"] == "ok":
            line = describe_line(one)
            lines.append([*place, line.median, line.quartiles, line.rate, line.memory, "disturbed" * line.disturbed])
        else:
            lines.append([*place, "", "", "", "", f"{one['status']}: {one['reason']}"])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:-1], widths[1:]), line[-1]]).rstrip()
        for line in lines
    )
