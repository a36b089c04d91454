"""Standard streams as a command needs them: open, able to take any text, and no reason to stop."""

import io
import os
import sys
from typing import Any


class _Patient(io.FileIO):
    """A file whose writes never fail: what cannot be said must not end what is done."""

    def write(self, data: Any) -> int:
        """Write all of ``data``, or none of it where the system refuses."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def prepare_streams() -> None:
    """Open the standard streams that are closed, let them take any text, and let stderr survive a full disk.

    A closed descriptor would be the next file's that is opened: whatever a library writes to stderr would end in it.
    Streams that somebody has put in the place of the process's own are left alone.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        if stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        encoding = sys.stderr.encoding
        patient = io.BufferedWriter(_Patient(2, "w", closefd=False))
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(  # type: ignore[misc]
            patient, encoding, "backslashreplace", line_buffering=True, write_through=True
        )


def release_output(prefix: str, code: Any) -> Any:
    """Write what stdout still holds. Returns ``code``; 1 where its reader has gone, 2 where it cannot be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # head, say, has seen enough
        code = 1
    except OSError as error:
        print(f"{prefix}: cannot write to the standard output ({error.strerror})", file=sys.stderr)
        code = 2
    else:
        return code
    if sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
    return code
