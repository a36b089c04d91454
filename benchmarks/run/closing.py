"""What a command says when its cases are done, what did not work above all, and its exit code."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.text import one_line
from .reuse import write_reuse
from .rows import group_by_reason
from .schema import Row


def close(record: Mapping[str, Any], rows: Sequence[Row], page: Path, names_metrics: bool) -> int:
    """Print what became of a command's ``rows`` and where its report is. Returns the exit code.

    ``record``: what run.json says of the command; ``names_metrics``: whether it asks for each of its metrics.
    """
    _say_what_is_left_out(record)
    _say_what_looks_odd(record)
    for line in write_reuse(record["reuse"]):
        print(one_line(line))
    all_ok = summarise(rows, len(rows), page)
    return 1 if _has_broken_metric(record) or _lacks_scores(record, rows, names_metrics) or not all_ok else 0


def summarise(rows: Sequence[Row], planned: int, page: Path) -> bool:
    """Print what did not work, each reason once, and where the report is. Returns whether all is well."""
    failed_metrics = {named for row in rows for named in row["notes"].items() if named[1].startswith("failed: ")}
    for name, note in sorted(failed_metrics):
        print(one_line(f"metric {name} {note}"), file=sys.stderr)
    unfinished = [row for row in rows if row["status"] != "ok"]
    for renderers, status, reason, found in group_by_reason((r, r["status"], r["reason"] or "") for r in unfinished):
        first = f"{found[0]['dataset']}/{found[0]['scene']}"
        which = first if len(found) == len(renderers) else f"{len(found)} cases, first {first}"
        print(one_line(f"{status}: {', '.join(renderers)} on {which}: {reason}"), file=sys.stderr)
    ok = len(rows) - len(unfinished)
    print(f"{ok} of {planned} cases ok. Report: {page}")
    return ok == planned and not failed_metrics


def _say_what_is_left_out(record: Mapping[str, Any]) -> None:
    """Name the metrics that cannot be computed here; the reasons once, since the report keeps them."""
    left_out = {name: metric for name, metric in record["metrics"].items() if not metric["available"]}
    if record["starts"] > 1 and not _has_broken_metric(record):
        if left_out:
            print(f"metrics left out as before, see the report: {', '.join(left_out)}", file=sys.stderr)
        return
    for name, metric in left_out.items():
        print(one_line(f"metric {name} is left out: {metric['reason']}"), file=sys.stderr)


def _has_broken_metric(record: Mapping[str, Any]) -> bool:
    """Whether a metric cannot be computed for another reason than that its weights are missing."""
    return any(metric.get("broken") for metric in record["metrics"].values())


def _lacks_scores(record: Mapping[str, Any], rows: Sequence[Row], names_metrics: bool) -> bool:
    """Whether pictures of a scored data set lack a metric that ``--metrics`` names, or every one, which it says."""
    pictures = [row for row in rows if row["status"] == "ok" and record["datasets"][row["dataset"]]["scored"]]
    if not pictures or any(row["metrics"].get(name) is not None for row in pictures for name in record["metrics"]):
        lacking = not all(metric["available"] for metric in record["metrics"].values())
        return bool(pictures) and names_metrics and lacking
    print(f"no case was scored: no value from {', '.join(record['metrics'])}, see the report", file=sys.stderr)
    return True


def _say_what_looks_odd(record: Mapping[str, Any]) -> None:
    """Name settings and files that contradict the pictures, each kind once a data set."""
    for doubt in record.get("doubts", ()):
        scenes = doubt["scenes"]
        which = scenes[0] if len(scenes) == 1 else f"{len(scenes)} scenes, first {scenes[0]}"
        print(one_line(f"looks odd: {doubt['dataset']}, {which}: {doubt['example']}"), file=sys.stderr)
