"""Rows: what a run keeps of a case, one JSON object each."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from ...core.errors import DamagedRecordError
from ...core.files import safe_name
from ...core.text import one_line
from .cases import Case, MadeOf
from .row_files import parse_row, seal_row
from .schema import SCHEMA, Row


def make_row(case: Case, environment: str, *, status: str, **values: Any) -> Row:
    """Return a case's row with ``values``; what is not known of it is None or empty."""
    outcome: dict[str, Any] = {
        "status": status,
        "reason": None,
        "metrics": {},
        "scored_by": {},
        "notes": {},
        "seconds": None,
        "peak_memory_mb": None,
        "image": None,
        "image_sha256": None,
        "input": None,
        "input_sha256": None,
        "disparity": None,
        "disparity_sha256": None,
        "wrong_band": None,
        "backend": None,
        "guess": None,
        "environment": environment,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return cast(Row, describe_case(case) | outcome | values)


def make_storable(case: Case, row: Row) -> Row:
    """Return a row, or that of a failed case where it could not be read again: a plug-in's values may be anything."""
    try:
        parse_row(seal_row(row))
    except (DamagedRecordError, ValueError, TypeError) as error:
        reason = one_line(f"{case.renderer}: what it gave cannot be stored: {error}")
        return make_row(case, row["environment"], status="failed", reason=reason)
    return row


def describe_case(case: Case) -> dict[str, Any]:
    """Return what a row says of the case itself."""
    return {
        "schema": SCHEMA,
        "key": case.key,
        "dataset": case.dataset,
        "scene": case.scene,
        "renderer": case.renderer,
        "perturbation": case.perturbation,
        "severity": case.severity,
        "seed": case.seed,
        "device": case.device,
        "dtype": case.dtype,
        "weights": case.made_of.weights,
        "data": case.made_of.data,
        "code": describe_code(case.made_of),
    }


def describe_code(made_of: MadeOf) -> dict[str, str]:
    """Return the digests of the code that made a picture, by what it is the code of."""
    codes = {
        "dataset": made_of.dataset_code,
        "renderer": made_of.renderer_code,
        "perturbation": made_of.perturbation_code,
    }
    return {what: code for what, code in codes.items() if code}


def find_outdated(row: Row, codes: Mapping[str, str]) -> set[str]:
    """Return the metrics of ``codes``, digests by name, that have not looked at a row's picture in that code."""
    scored_by = row.get("scored_by", {})
    return {name for name, code in codes.items() if scored_by.get(name, "") != code}


def drop_outdated(row: Row, codes: Mapping[str, str], note: str) -> Row:
    """Return a row short of scores by other code than ``codes``; ``note`` says why they are absent."""
    outdated = find_outdated(row, codes)
    metrics = {name: value for name, value in row["metrics"].items() if name not in outdated}
    notes = {name: text for name, text in row["notes"].items() if name not in outdated}
    absent = [name for name in codes if name not in metrics]
    return {**row, "metrics": metrics, "notes": dict.fromkeys(absent, note) | notes}


def group_by_reason(outcomes: Iterable[tuple[Row, str, str]]) -> list[tuple[list[str], str, str, list[Row]]]:
    """Group (row, status, reason): returns renderers, status, reason and rows of each group.

    What befalls the same scenes with several renderers, as damaged data do, is one group.
    """
    found: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row, status, reason in outcomes:
        found.setdefault((status, reason), {}).setdefault(row["renderer"], []).append(row)
    groups = []
    for (status, reason), by_renderer in found.items():
        alike: dict[frozenset[tuple[str, str]], list[str]] = {}
        for renderer, rows in by_renderer.items():
            alike.setdefault(frozenset((row["dataset"], row["scene"]) for row in rows), []).append(renderer)
        groups += [
            (names, status, reason, [r for name in names for r in by_renderer[name]]) for names in alike.values()
        ]
    return groups


def image_path(case: Case) -> Path:
    """Return where a case's picture lies in the run.

    One picture per key; the key's hash keeps devices, seeds, weights and severities apart.
    """
    digest = hashlib.sha256(case.key.encode()).hexdigest()[:12]
    name = f"{safe_name(case.renderer)}-{digest}.png"
    return Path("images", safe_name(case.dataset), safe_name(case.scene), name)
