"""A bundle as a run of its own beside those that were measured here, marked as imported."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from ...core.atomic_files import explained, write_atomically
from ...core.errors import CannotWriteError, InvalidOptionError
from ...core.files import regular, sha256_of, write_json
from ...core.text import printable
from ..request import run_folder
from ..run.row_files import RowWriter
from ..run.run_record import now
from ..run.scene_record import RECORD_FILE, scene_folder
from ..run.schema import ImportRecord, RunRecord
from ..run.store import read_meta, write_meta
from .content import Bundle, read_bundle
from .own_data import check_data
from .schema import LATENCY

log = logging.getLogger(__name__)

STAGING = ".importing"
"""In ``results``: where an import is written before it gets its name. A kill leaves it for the next one to clear."""

PREFIX = "imported-"


def import_bundle(
    path: Path, output: Path, run: str = "", data_root: Path | None = None, reference: str | None = None
) -> Path:
    """Take the bundle ``path`` in as ``output``/results/RUN and return that folder.

    ``run``: its name here, by default the one it had with ``imported-`` before it; ``reference``: a renderer that its
    report is to have. Everything is checked first, and the run appears as a whole. Raises InvalidBundleError for
    whatever is wrong with the file, InvalidOptionError where there is none, something has the name or the bundle lacks
    ``reference``, CannotWriteError.
    """
    with _opened(path) as file:
        bundle = read_bundle(file, str(path))
        folder = run_folder(output, run or f"{PREFIX}{bundle.manifest['run']}")
        if os.path.lexists(folder):
            raise _taken(folder, path)
        renderers = bundle.meta["renderers"]
        if reference is not None and reference not in renderers:
            raise InvalidOptionError(f"--reference {reference}: expected a renderer of {path}: {', '.join(renderers)}")
        origin = _describe_origin(path, bundle, data_root)
        for name, found in origin["data"].items():
            if found["state"] != "same":
                log.warning("%s: %s", name, found["note"])
        with _staging(folder.parent) as staging:
            _write_run(staging, bundle, folder.name, origin)
            with explained(folder):
                staging.rename(folder)
    return folder


def _taken(folder: Path, path: Path) -> InvalidOptionError:
    """Return why nothing is stored as ``folder``, and the way on for a command that was interrupted over its report."""
    meta = read_meta(folder)
    if meta and meta.get("imported", {}).get("sha256") == sha256_of(path):
        return InvalidOptionError(
            f"{folder}: was imported from this file: --run {folder.name} --report-only writes its report"
        )
    return InvalidOptionError(f"{folder}: exists: choose another name for what is imported with --run NAME")


@contextmanager
def _opened(path: Path) -> Iterator:
    try:
        file = regular(path).open("rb")
    except OSError as error:
        raise InvalidOptionError(f"--import {path}: cannot be read ({error.strerror})") from error
    with file:
        yield file


@contextmanager
def _staging(results: Path) -> Iterator[Path]:
    """Hold an empty folder in ``results`` for one import at a time; what is left of it at the end is removed."""
    staging = results / STAGING
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = FileLock(results / f"{STAGING}.lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise InvalidOptionError(f"{results}: another command imports something here: wait for it") from error
    except OSError as error:
        raise CannotWriteError(results, error) from error
    try:
        shutil.rmtree(staging, ignore_errors=True)
        with explained(staging):
            staging.mkdir()
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        lock.release()


def _describe_origin(path: Path, bundle: Bundle, data_root: Path | None) -> ImportRecord:
    manifest = bundle.manifest
    return {
        "file": printable(path.name),
        "sha256": sha256_of(path),
        "run": manifest["run"],
        "by": manifest["by"],
        "version": manifest["version"],
        "commit": manifest["commit"],
        "time": now(),
        "pictures": bool(bundle.pictures),
        "data": check_data(bundle.rows, data_root),
    }


def _write_run(folder: Path, bundle: Bundle, name: str, origin: ImportRecord) -> None:
    for scene in bundle.scenes:
        write_json(scene_folder(folder, scene["dataset"], scene["scene"]) / RECORD_FILE, scene)
    for picture in bundle.pictures:
        content = bundle.archive.read_checked(picture, bundle.manifest["members"][picture])
        write_atomically(folder / picture, lambda file, content=content: file.write(content))  # type: ignore[misc]
    with RowWriter(folder) as writer:
        for row in bundle.rows:
            writer.append(row)
    if bundle.latency:
        write_json(folder / LATENCY, bundle.latency)
    write_meta(folder, cast(RunRecord, {**bundle.meta, "run": name, "imported": origin}))
