"""Whether a bundle's scenes are those of this machine's data sets: else its scores are of something else."""

from collections.abc import Iterable
from pathlib import Path

from ...core.errors import BokehBenchError, MissingDataError
from ...datasets.catalogue import DATASETS, load_dataset
from ...datasets.interface import prepare_dataset
from ..run.reuse import digest_parts
from ..run.schema import DataCheck, Row

NAMED = 3
"""How many scenes a note lists."""


def check_data(rows: Iterable[Row], data_root: Path | None) -> dict[str, DataCheck]:
    """Compare the digests of scenes in ``rows`` with those that the data sets here have, by data set."""
    digests: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        digests.setdefault(row["dataset"], set()).add((row["scene"], row.get("data", "")))
    return {name: _check(name, found, data_root) for name, found in digests.items()}


def _check(name: str, digests: set[tuple[str, str]], data_root: Path | None) -> DataCheck:
    if name not in DATASETS.entries:
        return {"state": "unknown", "note": "no data set of this name is known here"}
    try:
        dataset = load_dataset(name, data_root)
        prepare_dataset(dataset)
        own = set(dataset.scene_names())
        parts = dataset.contents([scene for scene, _ in sorted(digests) if scene in own])
    except MissingDataError:
        return {"state": "unknown", "note": "the data set is not here, so nothing shows that its scenes are the same"}
    except BokehBenchError:
        note = f"the data set here cannot be read (--check {name} says why): nothing shows that its scenes are the same"
        return {"state": "unknown", "note": note}
    here = {(scene, digest_parts(found)) for scene, found in parts.items()}
    others = sorted({scene for scene, _ in digests - here})
    if not others:
        return {"state": "same", "note": ""}
    named = ", ".join(others[:NAMED]) + (f" and {len(others) - NAMED} more" if len(others) > NAMED else "")
    return {"state": "other", "note": f"not the data set that is here: other data of {named}"}
