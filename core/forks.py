"""Processes that somebody else's code forks: one that comes back would do all that follows a second time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .streams import say_at_once


@contextmanager
def one_process(what: str) -> Iterator[None]:
    """Run the block, which ``what`` is responsible for, and go on in this process alone.

    A process that the block forks ends where it would leave it, with a line on stderr; what is buffered stays this
    process's to write.
    """
    here = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != here:
            say_at_once(f"{what}: ended a process that it forked and that came back to the run")
            os._exit(1)
