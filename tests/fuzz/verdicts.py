"""What a mutation came to, from how commands ended and what is stored afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from .child import TRACEBACK_CODE, Done

OK = "ok"
ONE_LINE = "one line"
NEW = "new result"
"""Of changed inputs, equal to that of a run from nothing, under a key of its own."""

TRACEBACK, HANG, CRASH = "TRACEBACK", "HANG", "CRASH"
SILENT = "SILENT"
"""Results that are neither those before the mutation nor refused; or, of changed inputs, not those of a fresh run."""

UNSAID = "UNSAID"
"""Exit code 2 without exactly one line that says why."""

LOST = "LOST"
"""A result of another scene or renderer than the one that was damaged."""

ALL = (OK, ONE_LINE, NEW, UNSAID, LOST, TRACEBACK, CRASH, HANG, SILENT)
BAD = ALL[3:]
COMPARED = ("status", "image_sha256", "file")
THREADS_DB = 1e-5
"""Differences in a metric that the number of threads makes."""

Results = Mapping[str, Mapping[str, Any]]


def judge_ends(ends: Sequence[Done]) -> str | None:
    """Return the verdict where a command ended as none may."""
    for done in ends:
        if done.code is None:
            return OK if "step/s" in done.said else HANG  # a training of many steps
        if done.code < 0:
            return CRASH
        if done.code == TRACEBACK_CODE or "Traceback (most" in done.said or "Exception ignored" in done.said:
            return TRACEBACK
        if (
            done.code == 2
            and len([1 for line in lines(done.said) if line.startswith(("run_bench.py: ", "training: "))]) != 1
        ):
            return UNSAID
    return None


def judge_results(found: Results, before: Results, others: Sequence[str]) -> str | None:
    """Return the verdict where a result is lost or carries a traceback."""
    for name, result in found.items():
        if result["traceback"]:
            return TRACEBACK
        if name.startswith(tuple(others)) and not same(result, before.get(name, {})):
            return LOST
    kept = [name for name in before if name.startswith(tuple(others))] if others else []
    return LOST if any(name not in found for name in kept) else None


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two results are of one picture with one score."""
    if any(first.get(name) != second.get(name) for name in COMPARED):
        return False
    scores, others = first.get("metrics", {}), second.get("metrics", {})
    return scores.keys() == others.keys() and all(
        value == others[name] or abs(value - others[name]) <= THREADS_DB for name, value in scores.items()
    )


def lines(said: str) -> list[str]:
    """Return what was said, without progress bars."""
    return [line for line in said.replace("\r", "\n").splitlines() if line.strip() and "it/s]" not in line]
