"""What the list of runs says of a report: when, what, how much of it worked, and a verdict that its own tests allow."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...benchmarks.run.store import StoredRun
from ...benchmarks.statistics.run_comparison import RunComparison
from ...core.text import one_line
from ..files.assets import INDEX
from ..files.summary import ShownCell, ShownTable, Summary
from .latency_figures import write_size
from .numbers import write_count, write_seconds
from .sections import Section
from .tables import ARROWS

ROBUSTNESS = "robustness.html"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def summarise_report(run: StoredRun, contexts: Mapping[str, Mapping[str, Any]]) -> Summary:
    """Sum up a run; ``contexts`` are those of its pages, by file."""
    context, swept = contexts[INDEX], contexts.get(ROBUSTNESS, {})
    meta, sweep = run.meta, run.meta.get("sweep", {})
    commands = [record for record in (sweep, meta) if record]
    moments = [record.get(name) for record in commands for name in ("started", "finished")]
    tables = [table for table in map(show_table, context["sections"]) if table]
    counts = _count(run.finished)
    return Summary(
        kind="run",
        name=run.folder.name,
        moment=_latest([*moments, *(row.get("time") for row in run.finished)]),
        command=_list_commands(commands),
        pages=context["pages"],
        renderers=list(dict.fromkeys([*meta["renderers"], *sweep.get("renderers", {})])),
        datasets=list(dict.fromkeys([*meta["datasets"], *sweep.get("datasets", {})])),
        counts=counts | {"not run": max(0, run.planned - sum(counts.values()))},
        headlines=[table.verdict for table in tables] + [one.lead for one in swept.get("verdicts", [])],
        tables=tables,
        absent=[name for name, metric in meta["metrics"].items() if not metric["available"]],
        remarks=_list_remarks(context, swept, meta["command"] == sweep.get("command")),
        origin=run.origin,
    )


def _list_commands(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the commands that made a run's scores and its sweep, the earlier first, each in a line of its own."""
    in_order = sorted(records, key=lambda record: str(record["started"]))
    return "\n".join(dict.fromkeys(one_line(record["command"]) for record in in_order))


def summarise_latency(name: str, record: Mapping[str, Any], pages: Mapping[str, str]) -> Summary:
    """Sum up a run that measured latency and nothing else."""
    taken = [record["measurements"][key] for key in record["plan"] if key in record["measurements"]]
    counts = _count(taken)
    return Summary(
        kind="run",
        name=name,
        moment=_latest([record["started"], *(one.get("time") for one in taken)]),
        command=record["command"],
        pages=dict(pages),
        renderers=list(dict.fromkeys(one["renderer"] for one in taken)),
        counts=counts | {"not run": len(record["plan"]) - len(taken)},
        headlines=write_times([one for one in taken if one["status"] == "ok"]),
    )


def summarise_comparison(comparison: RunComparison, lead: str, moment: str) -> Summary:
    """Sum up a comparison that was made at ``moment``; ``lead`` is its page's first sentence."""
    return Summary(
        kind="comparison",
        name=f"“{comparison.second}” against “{comparison.first}”",
        moment=moment,
        command="",
        pages={INDEX: "Comparison"},
        renderers=list(dict.fromkeys(change.renderer for change in comparison.changes)),
        datasets=list(dict.fromkeys(change.dataset for change in comparison.changes)),
        headlines=[lead],
    )


def show_table(section: Section) -> ShownTable | None:
    """Return a data set's scores as the list of runs shows them; None where there are none."""
    table = section.table
    if table is None:
        return None
    return ShownTable(
        dataset=section.name,
        basis=table.basis,
        verdict=section.verdict,
        columns=[(c.name, f"{ARROWS[c.higher_is_better]} {c.unit}".rstrip()) for c in table.columns],
        rows=[
            (
                row.renderer,
                row.weights or "",
                [ShownCell(text=c.text, interval=c.interval, note=c.note, mark=c.standing) for c in row.cells],
            )
            for row in table.rows
        ],
    )


def _list_remarks(context: Mapping[str, Any], swept: Mapping[str, Any], same_command: bool) -> dict[str, str]:
    """Count what did not work and what looks odd; where one command made both pages, as the second has it."""
    pages = {} if same_command else {INDEX: (context, "")}
    if swept:
        pages[ROBUSTNESS] = swept, " in the sweep"
    remarks = {}
    for page, (about, where) in pages.items():
        for section, what in (("problems", "did not work"), ("oddities", "worth a look")):
            count = len(about[section])
            if count:
                verb = "" if section == "problems" else "is " if count == 1 else "are "
                remarks[f"{page}#{section}"] = f"{write_count(count, 'thing')} {verb}{what}{where}"
    return remarks


def write_times(ok: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say the median of every renderer at the largest size and radius that was measured, the fastest first."""
    largest = max(((one["height"] * one["width"], one["radius_px"]) for one in ok), default=None)
    shown = [one for one in ok if (one["height"] * one["width"], one["radius_px"]) == largest]
    shown.sort(key=lambda one: float(one["spread"]["median"]))
    if not shown:
        return ["Latency: no measurement has finished."]
    times = ", ".join(f"{one['renderer']} {write_seconds(one['spread']['median'])}" for one in shown)
    return [f"Latency at {write_size(shown[0])} px, radius {shown[0]['radius_px']:g} px: {times} (medians)."]


def _count(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {status: sum(one["status"] == status for one in outcomes) for status in ("ok", "failed", "skipped")}


def _latest(moments: Iterable[Any]) -> str:
    """Return the latest of those that are moments; the list of runs is sorted by it."""
    return max((moment for moment in moments if isinstance(moment, str) and MOMENT.fullmatch(moment)), default="")
