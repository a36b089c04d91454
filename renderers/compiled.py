"""How CPU kernels are compiled: without the interpreter lock, cached on disk where a disk can be written.

numba's cache watches only the file that holds a kernel, not those of the functions it calls. So the cache lies in a
folder named after all of this package's sources: any change compiles anew (half a minute of processor time in all).
Folders of other sources are removed after OLD_DAYS only: processes that started before a change still use theirs.
"""

import functools
import hashlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba import njit

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = ("renderers", "datasets", "benchmarks")
OLD_DAYS = 14

_deciding = threading.Lock()


def compiled(function: Callable | None = None, **options: Any) -> Callable:
    """Compile ``function`` at its first call; releases the interpreter lock, divides like numpy.

    Use it bare or with numba's ``options`` (``parallel``, ``fastmath``). The machine code is kept beside the source (in
    NUMBA_CACHE_DIR if that is set), or in the user's cache folder where that is read-only. Where neither can be written
    the kernel is compiled anew in each process (seconds), and the log says so.
    """
    if function is None:
        return lambda decorated: compiled(decorated, **options)
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        with _cache_of_these_sources():
            return njit(cache=True, **options)(function)
    except RuntimeError as error:
        log.warning("%s is compiled anew in each process: set NUMBA_CACHE_DIR (%s)", function.__name__, error)
        return njit(**options)(function)


@contextmanager
def _cache_of_these_sources() -> Iterator[None]:
    """Let numba keep what is decorated meanwhile in a folder of its own for these sources.

    Raises RuntimeError where none can be written: elsewhere numba might find code of other sources.
    """
    with _deciding:
        chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        numba.config.CACHE_DIR = str(_cache_folder(chosen))  # type: ignore[attr-defined]
        try:
            yield
        finally:
            numba.config.CACHE_DIR = chosen  # type: ignore[attr-defined]


@functools.cache
def _cache_folder(chosen: str) -> Path:
    """Return a folder that can be written: in ``chosen`` if that is not empty, beside this file, or the user's."""
    homes = (
        [Path(chosen)]
        if chosen
        else [Path(__file__).parent / "__pycache__", platformdirs.user_cache_path("bokehbench")]
    )
    for home in homes:
        folder = home / f"kernels-{hash_sources()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            _remove_old(home)
        except OSError:
            continue
        return folder
    raise RuntimeError(f"cannot write to {' or '.join(map(str, homes))}")


def _remove_old(home: Path) -> None:
    """Remove folders of sources that no process has started with for OLD_DAYS."""
    for folder in home.glob("kernels-*"):
        if time.time() - folder.stat().st_mtime > OLD_DAYS * 86400.0:
            shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def hash_sources() -> str:
    """Hash every source file that may hold a kernel or something that one calls."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
