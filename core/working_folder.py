"""The working folder of the process, which a plug-in may change, and every relative path with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keeping_folder() -> Iterator[None]:
    """Go back to the working folder that the block began in; stay where the block leads if that one is gone before."""
    before = _here()
    try:
        yield
    finally:
        if before is not None and _here() != before:
            os.chdir(before)


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # somebody has removed it
        return None
