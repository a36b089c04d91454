"""Digests of what scenes are made of, so that results of replaced files are never reused.

Files are read whole. What was read once is known from the user's cache folder, while the file's size, times and inode
stay the same: a data set of many gigabytes is read once, not before every run.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ...core.atomic_files import write_atomically
from ...core.errors import CannotWriteError
from ...core.files import regular, sha256_of
from ...core.progress import ProgressBar
from .user_cache import cache_root

DIGITS = 16
SETTLED_NS = 3_000_000_000
"""A file that changed less than this before it was read is read again the next time.

Two changes within one tick of a file system's clock, which is 2 s on FAT, leave the same time: git calls it racy.
"""

UNUSED_SECONDS = 90 * 86400
"""What was not used for so long is dropped: it may be of a folder that is gone, and is only read again."""

Parts = Mapping[str, Any]
"""What a scene is made of, by name: paths of files, and anything else by its ``repr``."""


def hash_scenes(root: Path, scene_names: Iterable[str], parts_of: Callable[[str], Parts]) -> dict[str, dict[str, str]]:
    """Return a digest of every part of each scene; their files lie below ``root``.

    A file's suffix counts, its name does not. The same content has the same digests on another machine. A scene whose
    parts cannot be named has the reason for its only part: it fails when it is loaded.
    """
    found = {}
    with FileDigests(root) as files:
        # On a terminal only: below another bar it moves the cursor.
        bar = ProgressBar(
            scene_names, "reading the data set's files", unit="scene", delay=1.0, leave=False, disable=None
        )
        for scene in bar:
            try:
                parts = parts_of(scene)
            except Exception as error:  # noqa: BLE001 - loading it meets the same
                parts = {"damaged": str(error)}
            found[scene] = {
                name: f"{files.digest(part)}{part.suffix}" if isinstance(part, Path) else _hash(repr(part).encode())
                for name, part in parts.items()
            }
    return found


class FileDigests:
    """SHA-256 of the files below ``root``, as many digits as DIGITS, each read only if it changed since it was last.

    On leaving the block what was read is stored, as far as the cache folder can be written. Processes may do so at
    once: the last one's file stays, and what it lacks is read again. So is everything where the file is damaged.
    """

    def __init__(self, root: Path):
        self._store = cache_root() / "digests" / f"{_hash(os.fsencode(root.resolve()))}.json"
        self._root = root
        self._known: dict[str, Any] = {}
        self._found: dict[str, str] = {}
        self._changed = False

    def __enter__(self) -> Self:
        with suppress(OSError, ValueError, RecursionError):
            content = json.loads(regular(self._store).read_text(encoding="utf-8"))
            self._known = content if isinstance(content, dict) else {}
            os.utime(self._store)  # by which its last use is known
        return self

    def __exit__(self, *exception: object) -> None:
        if self._changed:
            self._sweep()
            with suppress(CannotWriteError):
                content = json.dumps(self._known).encode()
                write_atomically(self._store, lambda file: file.write(content))

    def _sweep(self) -> None:
        """Forget files that are gone, and what is stored of folders that were not asked about for long."""
        gone = [name for name in self._known if name not in self._found and not os.path.lexists(self._root / name)]
        for name in gone:
            del self._known[name]
        for store in self._store.parent.glob("*.json"):
            with suppress(OSError):
                if store.stat().st_mtime < time.time() - UNUSED_SECONDS:
                    store.unlink()

    def digest(self, path: Path) -> str:
        """Return a file's digest; ``absent`` or ``unreadable`` where there is none to read: loading it says more."""
        name = path.relative_to(self._root).as_posix()
        if name not in self._found:
            try:
                self._found[name] = self._look(name, path)
            except OSError:
                self._found[name] = "unreadable" if os.path.lexists(path) else "absent"
        return self._found[name]

    def _look(self, name: str, path: Path) -> str:
        before = _stamp(path)
        known = self._known.get(name)
        if isinstance(known, list) and known[:-1] == before and isinstance(known[-1], str):
            return known[-1]
        now = time.time_ns()
        digest = sha256_of(path)[:DIGITS]
        settled = _stamp(path) == before and max(before[1:3]) < now - SETTLED_NS
        if settled or known is not None:
            self._known.pop(name, None)
            self._known |= {name: [*before, digest]} if settled else {}
            self._changed = True
        return digest


def _stamp(path: Path) -> list[int]:
    """Return what a change of a file changes. Raises OSError for anything but a file: a pipe would be waited for."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path}: no file")
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
