"""Runs an outside program: where it is, which version, a time limit, its last words in the error."""

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import FailedProgramError

VERSION_LIMIT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """An outside program: its name, what to install, how it is found and how it says its version.

    ``executables``: names on the PATH, the first that is there is taken; ``module``: a Python package in its place.
    ``version_options`` print a text in which ``version_pattern`` finds the version as its first group.
    """

    name: str
    install: str
    executables: Sequence[str] = ()
    module: str | None = None
    version_options: Sequence[str] = ()
    version_pattern: str = ""

    def find(self) -> Path | None:
        """Return the executable, of a Python package the folder; None where it is not installed."""
        if self.module is not None:
            spec = importlib.util.find_spec(self.module)
            return Path(spec.origin).parent if spec and spec.origin else None
        found = next(filter(None, map(shutil.which, self.executables)), None)
        return None if found is None else Path(found)

    def require(self) -> Path:
        """Return the executable. Raises FailedProgramError where it is not installed."""
        found = self.find()
        if found is None:
            raise FailedProgramError(self.absence())
        return found

    def absence(self) -> str:
        """Return what is missing and how it is installed."""
        return f"{self.name} is not installed: {self.install}"

    def version(self) -> str | None:
        """Return name and version for a row; None where it is not installed.

        One that does not say its version is known by the digest of its file.
        """
        found = self.find()
        if found is None:
            return None
        said = _ask_version(found, tuple(self.version_options), self.version_pattern)
        return f"{self.name} {said or 'sha256 ' + hashlib.sha256(found.read_bytes()).hexdigest()[:12]}"


def run_program(command: Sequence[str | Path], folder: Path, limit_s: float, **environment: str) -> str:
    """Run ``command`` in ``folder``, in a process group of its own. Returns what it printed, errors included.

    Whatever it started is ended with it. Raises FailedProgramError, with its last line, for a code other than 0 and
    after ``limit_s`` seconds.
    """
    name, log = Path(command[0]).name, folder / "program.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603
                [str(word) for word in command],
                cwd=folder,
                env=os.environ | {"LC_ALL": "C.UTF-8"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise FailedProgramError(f"{name}: cannot be started ({error.strerror}): install it again") from error
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise FailedProgramError(
                f"{name}: expected an end within {limit_s:g} s, got none{_last_words(log)}: use smaller pictures"
            ) from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        raise FailedProgramError(
            f"{name}: expected exit code 0, got {code}{_last_words(log)}: see that it runs by hand"
        )
    return log.read_text(errors="replace")


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f" ({lines[-1]})" if lines else ""


@functools.cache
def _ask_version(found: Path, options: tuple[str, ...], pattern: str) -> str | None:
    if not options:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [str(found), *options], capture_output=True, text=True, timeout=VERSION_LIMIT_S, check=False
        )
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return None
    match = re.search(pattern, done.stdout + done.stderr)
    return match.group(1) if match else None
