"""What a reader must know before the numbers: what failed, was skipped, is missing, has not been run, or looks odd."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...benchmarks.run.rows import group_by_reason
from ...benchmarks.run.schema import DoubtRecord, Row, StoredScene
from ...benchmarks.run.scoring import UNDEFINED
from ...benchmarks.run.store import REMEDY
from .numbers import write_count


@dataclass
class Problem:
    """One thing that went wrong or looks odd, with its reason, and the cases or scenes that it is about.

    ``each``: these are cases of each of several renderers.
    """

    what: str
    reason: str
    scenes: list[str] = field(default_factory=list)
    each: bool = False


def find_problems(
    record: Mapping[str, Any], rows: Sequence[Row], damaged: Sequence[tuple[Row, str]], lost: Sequence[str] = ()
) -> list[Problem]:
    """List unfinished cases by reason, damaged pictures, scores that could not be had, and broken metrics.

    ``record`` is what run.json says of the command, ``rows`` are those of its cases. ``damaged``: rows whose stored
    picture cannot be shown, with what is wrong; ``lost``: other stored pictures of which that holds, one line each.
    """
    return [
        *_incomplete_run(record, rows),
        *_group((row, row["status"], row["reason"] or "no reason was stored") for row in rows if row["status"] != "ok"),
        *_group((row, "without its picture", f"{text}: {REMEDY}") for row, text in damaged),
        *_group(
            (row, f"without {name}", note)
            for row in rows
            for name, note in row["notes"].items()
            if note != UNDEFINED and name in record["metrics"] and record["metrics"][name]["available"]
        ),
        *([Problem("Pictures of scenes are not shown:", f"{REMEDY}.", list(lost))] if lost else []),
        *_list_metrics(record, broken=True),
    ]


def find_absent(record: Mapping[str, Any]) -> list[Problem]:
    """List the metrics that a command could not compute for want of weights."""
    return _list_metrics(record, broken=False)


def _list_metrics(record: Mapping[str, Any], broken: bool) -> list[Problem]:
    return [
        Problem(f"The metric {name} was not computed:", metric["reason"] or "no reason was stored")
        for name, metric in record["metrics"].items()
        if not metric["available"] and bool(metric.get("broken")) == broken
    ]


def find_oddities(record: Mapping[str, Any], scenes: Iterable[StoredScene]) -> list[Problem]:
    """List what looks odd about the scenes of a command, which works all the same: each kind once a data set.

    ``scenes``: the records that hold each scene's own sentence, which stands beside its name where sentences differ.
    """
    sentences = {(scene["dataset"], scene["scene"]): scene.get("doubts", {}) for scene in scenes}
    return [_describe_doubt(doubt, sentences) for doubt in record.get("doubts", ())]


def _describe_doubt(doubt: DoubtRecord, sentences: Mapping[tuple[str, str], Mapping[str, str]]) -> Problem:
    own = {name: sentences.get((doubt["dataset"], name), {}).get(doubt["kind"]) for name in doubt["scenes"]}
    what = f"{doubt['dataset']}, {doubt['kind']}"
    if len(set(own.values())) == 1:
        return Problem(f"{what}:", doubt["example"], doubt["scenes"])
    listed = [f"{name}: {sentence}" if sentence else name for name, sentence in own.items()]
    return Problem(f"{what}, first {doubt['scenes'][0]}:", doubt["example"], listed)


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


def _group(outcomes: Iterable[tuple[Row, str, str]]) -> list[Problem]:
    """Join the cases that share a status, a reason and their scenes."""
    return [
        Problem(
            f"{', '.join(renderers)} {status}:",
            reason,
            list(dict.fromkeys(map(_name_case, rows))),
            each=len(renderers) > 1,
        )
        for renderers, status, reason, rows in group_by_reason(outcomes)
    ]


def _name_case(row: Row) -> str:
    severity = f" / {row['perturbation']} {row['severity']:g}" if row["severity"] else ""
    return f"{row['dataset']} / {row['scene']}{severity}"
