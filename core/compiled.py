"""How CPU kernels are compiled: without the interpreter lock, cached on disk where a disk can be written.

numba's cache watches only the file that holds a kernel, not those whose functions and constants are compiled into it.
So a module's machine code lies in a folder named after its source and those of the modules that it imports, directly or
through others (``sources``): a change to one of them compiles again what depends on it, and nothing else.
Folders of other sources are removed after OLD_DAYS only: processes that started before a change still use theirs.
"""

import functools
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba import njit

from .sources import hash_sources

log = logging.getLogger(__name__)

OLD_DAYS = 14

_deciding = threading.Lock()


def compiled(function: Callable | None = None, **options: Any) -> Callable:
    """Compile ``function`` at its first call; releases the interpreter lock, divides like numpy.

    Use it bare or with numba's ``options`` (``parallel``, ``fastmath``). The machine code is kept beside the source (in
    NUMBA_CACHE_DIR if that is set), or in the user's cache folder where that is read-only. Where neither can be written
    the kernel is compiled again in each process (seconds), and the log says so.
    """
    if function is None:
        return lambda decorated: compiled(decorated, **options)
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        with _cache_of(function.__module__ or "", function.__code__.co_filename):
            return njit(cache=True, **options)(function)
    except RuntimeError as error:
        log.warning("%s is compiled again in each process: set NUMBA_CACHE_DIR (%s)", function.__name__, error)
        return njit(**options)(function)


def find_cache(module: str, file: str) -> Path | None:
    """Return the folder of a module's machine code; None where none can be written."""
    chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    try:
        return _cache_folder(chosen, folder_name(module, file))
    except RuntimeError:
        return None


@contextmanager
def _cache_of(module: str, file: str) -> Iterator[None]:
    """Let numba keep what is decorated meanwhile in a folder named after ``module``'s sources.

    Raises RuntimeError where none can be written: elsewhere numba might find code of other sources.
    """
    name = folder_name(module, file)
    with _deciding:
        chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        numba.config.CACHE_DIR = str(_cache_folder(chosen, name))  # type: ignore[attr-defined]
        try:
            yield
        finally:
            numba.config.CACHE_DIR = chosen  # type: ignore[attr-defined]


@functools.cache
def _cache_folder(chosen: str, name: str) -> Path:
    """Return a folder ``name`` that can be written: in ``chosen`` unless empty, beside this file, or the user's."""
    homes = (
        [Path(chosen)]
        if chosen
        else [Path(__file__).parent / "__pycache__", platformdirs.user_cache_path("bokehbench")]
    )
    for home in homes:
        folder = home / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)  # in use today
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
        with suppress(FileNotFoundError):  # another process cleans up, too
            if time.time() - folder.stat().st_mtime > OLD_DAYS * 86400.0:
                shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def folder_name(module: str, file: str) -> str:
    """Return the name of the folder of a module's machine code: a hash of all sources that it depends on."""
    sources = sorted(hash_sources(module, Path(file)).items())
    return f"kernels-{hashlib.sha256(repr(sources).encode()).hexdigest()[:16]}"
