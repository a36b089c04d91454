"""Other programs as processes: each in a group of its own, which ends with this process, however that ends."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from .errors import OutsideError
from .text import one_line

Command = Sequence[str | Path]

GUARD = 'read -r group && { read -r dismissed || { kill -s KILL -- "-$group"; rm -rf -- "$@"; }; }'
"""For a shell: end the group that the first line names, unless another line comes before the input ends.

The folders that the shell is given are then removed.
"""

TAIL_BYTES = 1 << 16
LONGEST_SAID = 200


class ProcessGroup:
    """A running program, with all that it starts; ``kill``, or the end of a ``with`` block, ends them.

    Should this process end before, by ``kill -9`` say, a guard ends them: a shell in a session of its own, whose input
    the system closes with this process; it also removes ``temporary``, a folder that this process else removes itself.
    ``log`` gets what the program prints; ``piped``: its errors only, and ``input`` and ``output`` are unbuffered pipes.
    Raises OutsideError where it cannot be started.
    """

    def __init__(
        self,
        command: Command,
        folder: Path,
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        piped: bool = False,
        temporary: Path | None = None,
    ) -> None:
        self._log, self._killed = log, False
        with log.open("ab") as printed, _saying_what_cannot_be_started(command):
            self._guard = _start_guard([temporary] if temporary else [])
            try:
                self._process = subprocess.Popen(  # noqa: S603 - what the user installed
                    [str(word) for word in command],
                    cwd=folder,
                    env=environment,
                    bufsize=0,
                    stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if piped else printed,
                    stderr=printed,
                    start_new_session=True,
                )
                self._tell_guard(f"{self._process.pid}\n")
            except BaseException:
                self._guard.communicate()
                raise
        self.pid, self.input, self.output = self._process.pid, self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    @property
    def alive(self) -> bool:
        """Whether the program itself has not ended."""
        return self.status is None

    @property
    def status(self) -> int | None:
        """The code that the program ended with, the negative number of a signal; None while it runs."""
        return self._process.poll()

    def wait(self, limit_s: float) -> bool:
        """Wait for the program to end. Returns whether it has, within the limit."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)
        return not self.alive

    def send(self, number: int) -> None:
        """Send a signal to the program and all that it has started; nothing after ``kill``."""
        if self._killed:  # the number may be another group's by now
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End all at once, and close the pipes."""
        self.send(signal.SIGKILL)
        self._process.wait()
        if not self._killed:
            self._tell_guard("dismissed\n")
            self._guard.communicate()
        self._killed = True
        for pipe in (self.input, self.output):
            if pipe is not None:
                pipe.close()

    def describe_end(self) -> str:
        """Return how the program has ended, and the last line that it printed."""
        code = self.status
        said = self.describe_last_line()
        if code is None or code >= 0:
            return f"ended with status {code}{said}"
        names = {one.value: f" ({one.name})" for one in signal.Signals}
        memory = ", most likely for want of memory" if code == -signal.SIGKILL else ""
        return f"ended with signal {-code}{names.get(-code, '')}{memory}{said}"

    def describe_last_line(self) -> str:
        """Return ``; last line: ...`` for the last line that the program printed; empty where there is none."""
        lines = [line for line in self._read_tail().splitlines() if line.strip()]
        return f"; last line: {one_line(lines[-1], LONGEST_SAID)}" if lines else ""

    def _read_tail(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _tell_guard(self, line: str) -> None:
        assert self._guard.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(BrokenPipeError):  # somebody has ended it
            self._guard.stdin.write(line.encode())


@contextmanager
def _saying_what_cannot_be_started(command: Command) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.filename or command[0]
        raise OutsideError(f"{what}: cannot be started ({error.strerror}): see that it runs by hand") from error


def _start_guard(temporary: Sequence[Path]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the script above
        ["/bin/sh", "-c", GUARD, "sh", *map(str, temporary)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )


def ask_program(command: Command, limit_s: float, environment: Mapping[str, str] | None = None) -> str | None:
    """Return what a short command prints; None where it cannot be started, fails, or takes longer than the limit.

    Whatever it has started ends with it.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - what the user installed
            list(map(str, command)),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return said.decode("utf-8", "replace") if process.returncode == 0 else None
