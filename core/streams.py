"""Standard streams as a command needs them: open, able to take any text, and no reason to stop halfway."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

ERRORS = "backslashreplace"
"""What happens to characters that a stream's encoding has not."""


class _Patient(io.FileIO):
    """A file whose writes never fail: what cannot be said must not end what is done. ``refused`` is the first error."""

    refused: OSError | None = None

    def write(self, data: Any) -> int:
        """Write ``data``, or drop it where the system refuses."""
        if self.refused is None:
            try:
                return super().write(data)
            except OSError as error:
                self.refused = error
        return len(data)


class _Kept(io.BufferedWriter):
    """A standard stream's bytes, which are the command's: a plug-in that closes it has said all that it has to say.

    The text above is as open as they are.
    """

    def close(self) -> None:
        """Write what is buffered, and stay open."""
        self.flush()


def prepare_streams() -> None:
    """Open the standard streams that are closed, and let stdout and stderr take any text and survive a full disk.

    What closes stdout or stderr from then on closes nothing.

    A closed descriptor would be the next file's that is opened: whatever a library writes to stderr would end in it.
    Streams that somebody has put in the place of the process's own are left alone.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stdout is sys.__stdout__:
        sys.stdout = sys.__stdout__ = _made_patient(sys.stdout, 1)  # type: ignore[misc]
    if sys.stderr is sys.__stderr__:
        sys.stderr = sys.__stderr__ = _made_patient(sys.stderr, 2)  # type: ignore[misc]


@contextmanager
def keeping_streams() -> Iterator[None]:
    """Put stdout and stderr back that the block has replaced: what a plug-in silences is its own."""
    before = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def say_at_once(line: str) -> None:
    """Write a line past Python's buffer of stderr, which may be half filled: at a signal, or in a fork."""
    with suppress(OSError, ValueError):  # closed, or no file
        os.write(sys.stderr.fileno(), f"\n{line}\n".encode(errors=ERRORS))


def release_output(prefix: str, code: Any) -> Any:
    """Write what stdout still holds. Returns ``code``; 1 where its reader has gone, 2 where it could not be written."""
    sys.stdout.flush()
    refused = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "refused", None)
    if refused is None:
        return code
    if isinstance(refused, BrokenPipeError):  # head, say, has seen enough
        return 1
    print(f"{prefix}: cannot write to the standard output ({refused.strerror})", file=sys.stderr)
    return 2


def _made_patient(stream: Any, number: int) -> Any:
    """Return a stream like ``stream``, None for one that was closed, on descriptor ``number``."""
    if stream is None:
        encoding, by_line = "utf-8", False
    elif isinstance(stream, io.TextIOWrapper) and not isinstance(getattr(stream.buffer, "raw", None), _Patient):
        stream.flush()
        encoding, by_line = stream.encoding, stream.line_buffering or stream.write_through or number == 2
    else:
        return stream
    patient = _Kept(_Patient(number, "w", closefd=False))
    return io.TextIOWrapper(patient, encoding, ERRORS, line_buffering=by_line)
