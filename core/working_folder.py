"""The working folder of the process, which a plug-in may change, and every relative path with it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Home:
    """Where the process was when the first of the blocks began that run now, in whatever threads."""

    lock = threading.Lock()
    blocks = 0
    folder: str | None = None


@contextmanager
def keeping_folder() -> Iterator[None]:
    """Go back, at the end, to the working folder that the block began in.

    Blocks within another, and those of several threads at a time, have one folder to go back to, that of the first:
    another one's change is nobody's beginning. A folder that was gone already is not gone back to.
    """
    with _Home.lock:
        if _Home.blocks == 0:
            _Home.folder = _here()
        _Home.blocks += 1
    try:
        yield
    finally:
        with _Home.lock:
            _Home.blocks -= 1
            if _Home.folder is not None and _here() != _Home.folder:
                os.chdir(_Home.folder)


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # somebody has removed it
        return None
