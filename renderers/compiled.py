"""How CPU kernels are compiled: without the interpreter lock, cached on disk where a disk can be written.

numba's cache watches only the file that holds a kernel, not those of the functions it calls. So the cache lies in a
folder named after all of this package's sources: any change compiles anew (half a minute of processor time in all).
"""

import functools
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba import njit

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = ("renderers", "datasets", "benchmarks")


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
    """Let numba keep what is decorated meanwhile in a folder of its own for these sources."""
    chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    folder = _own_cache_folder() if not chosen else str(Path(chosen) / f"bokehbench-{hash_sources()}")
    numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba.config.CACHE_DIR = chosen  # type: ignore[attr-defined]


@functools.cache
def _own_cache_folder() -> str:
    """Make the folder beside this file and remove those of other sources; empty where nothing can be written there."""
    home = Path(__file__).parent / "__pycache__"
    folder = home / f"kernels-{hash_sources()}"
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for old in home.glob("kernels-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return ""
    return str(folder)


@functools.cache
def hash_sources() -> str:
    """Hash every source file that may hold a kernel or something that one calls."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
