"""What a reader must know before the numbers: what failed, was skipped, is missing, or has not been run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .numbers import write_count

Row = dict[str, Any]


@dataclass
class Problem:
    """One thing that went wrong, with its reason, and the cases that it cost."""

    what: str
    reason: str
    scenes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LostPicture:
    """A stored picture that cannot be shown, and why; ``what`` is a renderer or what the scene was given as."""

    what: str
    case: str
    problem: str


def find_problems(record: Mapping[str, Any], rows: Sequence[Row], lost: Sequence[LostPicture]) -> list[Problem]:
    """List unfinished cases by reason, lost pictures and unavailable metrics.

    ``record`` is what run.json says of the command, ``rows`` are those of its cases.
    """
    return [
        *_incomplete_run(record, rows),
        *_group(
            (f"{row['renderer']} {row['status']}", row["reason"] or "no reason was stored", name_case(row))
            for row in rows
            if row["status"] != "ok"
        ),
        *_group(
            (f"{one.what} without its picture", f"{one.problem}: give the run's command again", one.case)
            for one in dict.fromkeys(lost)
        ),
        *(
            Problem(f"The metric {name} was not computed:", metric["reason"] or "no reason was stored")
            for name, metric in record["metrics"].items()
            if not metric["available"]
        ),
    ]


def _incomplete_run(record: Mapping[str, Any], rows: Sequence[Row]) -> list[Problem]:
    missing = len(record["cases"]) - len(rows)
    if missing <= 0:
        return []
    return [
        Problem(
            f"{missing} of {write_count(len(record['cases']), 'planned case')} have not been run.",
            "The command was interrupted or is still running: give it again, and it goes on where it stopped.",
        )
    ]


def name_case(row: Row) -> str:
    """Return the place of a case in words."""
    severity = f" / {row['perturbation']} {row['severity']:g}" if row["severity"] else ""
    return f"{row['dataset']} / {row['scene']}{severity}"


def _group(cases: Iterable[tuple[str, str, str]]) -> list[Problem]:
    """Join the cases, (what, reason, case), that share what went wrong and why."""
    groups: dict[tuple[str, str], Problem] = {}
    for what, reason, case in cases:
        groups.setdefault((what, reason), Problem(f"{what}:", reason)).scenes.append(case)
    return list(groups.values())
