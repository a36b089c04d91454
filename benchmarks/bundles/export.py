"""A stored run as a bundle: the same run gives the same bytes, and nothing is written that could not be taken in."""

import hashlib
import json
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from ...core.atomic_files import write_atomically
from ...core.errors import CannotWriteError, InvalidBundleError, InvalidOptionError
from ...core.files import is_intact
from ..latency.session import read_latency
from ..request import RunRequest
from ..run.environment import describe_environment
from ..run.row_files import seal_row
from ..run.schema import Row, SceneRecord
from ..run.store import REMEDY, RUN_SCHEMA, StoredRun
from .content import picture_digests, read_bundle
from .schema import FORMAT, LATENCY, MANIFEST, ROWS, RUN, SCENES, SCHEMA

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every member: a zip file knows none before, and the same run is to give the same bytes."""


def export_bundle(request: RunRequest) -> str:
    """Write the stored run that ``request`` names as its file; return a sentence that says so.

    Raises what ``StoredRun.open`` and ``write_bundle`` raise.
    """
    path = request.export
    assert path is not None, "who calls asks for an export"  # noqa: S101
    run = StoredRun.open(request.folder)
    try:
        write_bundle(run, path, request.by, request.with_pictures)
    except CannotWriteError as error:
        error.elsewhere, error.goes_on = "--export", False
        raise
    unfinished = Counter(row["status"] for row in run.finished if row["status"] != "ok")
    among = f" ({', '.join(f'{count} of them {status}' for status, count in unfinished.items())})" if unfinished else ""
    return f"{len(run.finished)} of {run.planned} cases{among} of '{request.run}' written to {path}"


def write_bundle(run: StoredRun, path: Path, by: str = "", pictures: bool = False) -> None:
    """Write ``run`` as the bundle ``path``: the rows that count, their scenes' records, latency where it was measured.

    ``by``: who measured; ``pictures``: those that were scored and those of the scenes, too. Tracebacks are left out.
    Raises InvalidOptionError where ``path`` exists or the run was imported, InvalidBundleError for a run that no bundle
    can hold, CannotWriteError.
    """
    if os.path.lexists(path):
        raise InvalidOptionError(f"--export {path}: exists: choose another name, or move it away")
    if "imported" in run.meta:
        origin = run.meta["imported"]["file"]
        raise InvalidOptionError(f"{run.folder}: was imported from {origin}: pass that file on, as it is")
    scenes = [_strip_folder(dict(scene)) for scene in run.scenes]
    rows = [_strip_traceback(row) for row in run.finished]
    latency = read_latency(run.folder)
    texts = {
        RUN: _write_json({"schema": RUN_SCHEMA, **run.meta}),
        ROWS: b"".join(seal_row(row) + b"\n" for row in rows),
        SCENES: b"".join(json.dumps(scene, allow_nan=False).encode() + b"\n" for scene in scenes),
        **({LATENCY: _write_json(latency)} if latency else {}),
    }
    files = _find_pictures(run.folder, rows, scenes) if pictures else {}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in texts.items()} | files
    _, here = describe_environment()
    manifest = {
        "format": FORMAT,
        "schema": SCHEMA,
        "run": run.folder.name,
        "by": by,
        "version": str(here["bokehbench"]),
        "commit": here["commit"],
        "members": digests,
    }

    def write(file: BinaryIO) -> None:
        _write_members(file, {MANIFEST: _write_json(manifest)} | texts, {name: run.folder / name for name in files})
        read_bundle(file, str(path))

    write_atomically(path, write)


def _write_members(file: BinaryIO, texts: Mapping[str, bytes], pictures: Mapping[str, Path]) -> None:
    """Write the zip file: texts deflated, pictures, which are compressed already, as they are."""
    try:
        with zipfile.ZipFile(file, "w", allowZip64=False) as archive:
            for name, content in texts.items():
                archive.writestr(_describe_member(name, zipfile.ZIP_DEFLATED), content, compresslevel=9)
            for name, source in pictures.items():
                archive.writestr(_describe_member(name, zipfile.ZIP_STORED), source.read_bytes())
    except zipfile.LargeZipFile as error:
        raise InvalidBundleError(f"the bundle becomes too large ({error}): leave pictures out") from error


def _describe_member(name: str, compression: int) -> zipfile.ZipInfo:
    """Return a member that says nothing of this machine."""
    info = zipfile.ZipInfo(name, EARLIEST)
    info.compress_type = compression
    info.create_system = 3  # Unix, whose permissions follow
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _write_json(content: Any) -> bytes:
    return json.dumps(content, indent=1, allow_nan=False).encode() + b"\n"


def _strip_folder(scene: dict[str, Any]) -> SceneRecord:
    del scene["folder"]
    return cast(SceneRecord, scene)


def _strip_traceback(row: Row) -> Row:
    return cast(Row, {name: value for name, value in row.items() if name != "traceback"})


def _find_pictures(folder: Path, rows: list[Row], scenes: list[SceneRecord]) -> dict[str, str]:
    """Return the digests of all pictures by name. Raises InvalidBundleError for one that is not as it was stored."""
    found = {name: sha256 for name, (_, sha256) in picture_digests(rows, scenes).items()}
    for name, sha256 in found.items():
        if not is_intact(folder / name, sha256):
            raise InvalidBundleError(
                f"{folder / name}: missing, or not the picture that was stored: {REMEDY}, or leave pictures out"
            )
    return found
