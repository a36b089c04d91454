"""A lock file that another process holds."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDER = """
import sys
from filelock import FileLock

with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_elsewhere(lock: Path) -> Iterator[Callable[[], None]]:
    """Hold the lock in a process that imports nothing else, until the end or a call of what is yielded."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, lock], **pipes) as holder:

        def release() -> None:
            holder.stdin.write("\n")
            holder.stdin.flush()

        assert holder.stdout.readline() == "held\n"
        yield release
