"""What a reader must know before the numbers: what failed, was skipped, is missing, or has not been run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..benchmarks.store import StoredRun
from .numbers import write_count

Row = dict[str, Any]


@dataclass
class Problem:
    """One thing that went wrong, with its reason, and the cases that it cost."""

    what: str
    reason: str
    scenes: list[str] = field(default_factory=list)


def find_problems(run: StoredRun, damaged: Sequence[tuple[Row, str]]) -> list[Problem]:
    """List failed data sets, unfinished cases by reason, damaged pictures and unavailable metrics.

    ``damaged``: rows whose stored picture cannot be shown, with what is wrong.
    """
    return [
        *_incomplete_run(run),
        *(
            Problem(f"The data set {name} failed:", dataset.get("reason") or "no reason was stored")
            for name, dataset in run.meta["datasets"].items()
            if dataset.get("status", "ok") != "ok"
        ),
        *_group(
            (row, row["status"], row["reason"] or "no reason was stored") for row in run.rows if row["status"] != "ok"
        ),
        *_group((row, "without its picture", f"{text}: give the run's command again") for row, text in damaged),
        *(
            Problem(f"The metric {name} was not computed:", metric["reason"] or "no reason was stored")
            for name, metric in run.meta["metrics"].items()
            if not metric["available"]
        ),
    ]


def _incomplete_run(run: StoredRun) -> list[Problem]:
    missing = len(run.meta["plan"]) - len(run.rows)
    if missing <= 0:
        return []
    return [
        Problem(
            f"{missing} of {write_count(len(run.meta['plan']), 'planned case')} have not been run.",
            "The command was interrupted or is still running: give it again, and it goes on where it stopped.",
        )
    ]


def _group(cases: Iterable[tuple[Row, str, str]]) -> list[Problem]:
    """Join the cases of one renderer that share a status and a reason."""
    groups: dict[tuple[str, str, str], Problem] = {}
    for row, status, reason in cases:
        problem = groups.setdefault((row["renderer"], status, reason), Problem(f"{row['renderer']} {status}:", reason))
        problem.scenes.append(f"{row['dataset']} / {row['scene']}")
    return list(groups.values())
