"""Runs an outside program: where it is, which version, a time limit, its last words in the error."""

import functools
import hashlib
import importlib.util
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import OutsideError
from ...core.programs import Command, ProcessGroup, ask_program
from ...core.text import one_line

VERSION_LIMIT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """An outside program: its name, what to install, how it is found and how it says its version.

    ``executables``: names on the PATH, the first that fits is taken; ``module``: a Python package in its place.
    ``version_options`` print a text in which ``version_pattern`` finds the version as its first group; where it finds
    none the executable is another program, or of a version that is not driven here: it does not fit. ``versions`` says
    which do.
    """

    name: str
    install: str
    executables: Sequence[str] = ()
    module: str | None = None
    version_options: Sequence[str] = ()
    version_pattern: str = ""
    versions: str = ""

    def find(self) -> Path | None:
        """Return the executable, of a Python package the folder; None where none that fits is installed."""
        if self.module is not None:
            spec = importlib.util.find_spec(self.module)
            return Path(spec.origin).parent if spec and spec.origin else None
        return next((path for path in self._candidates() if not self.version_options or self._version_of(path)), None)

    def require(self) -> Path:
        """Return the executable. Raises OutsideError where it is not installed."""
        found = self.find()
        if found is None:
            raise OutsideError(self.absence())
        return found

    def absence(self) -> str:
        """Return what is missing, or does not fit, and how it is installed."""
        others = [f"{path} says '{one_line(_ask(path, self.version_options), 60)}'" for path in self._candidates()]
        if others:
            return f"{self.name}: expected {self.versions or self.name}, but {' and '.join(others)}: {self.install}"
        return f"{self.name} is not installed: {self.install}"

    def version(self) -> str | None:
        """Return name and version for a row; None where it is not installed.

        One that does not say its version is known by the digest of its file.
        """
        found = self.find()
        if found is None:
            return None
        said = self._version_of(found) if self.version_options else None
        return f"{self.name} {said or 'sha256 ' + hashlib.sha256(found.read_bytes()).hexdigest()[:12]}"

    def _candidates(self) -> list[Path]:
        return [Path(path) for path in map(shutil.which, self.executables) if path]

    def _version_of(self, path: Path) -> str | None:
        match = re.search(self.version_pattern, _ask(path, self.version_options))
        return match.group(1) if match else None


def run_program(command: Command, folder: Path, limit_s: float, **environment: str) -> None:
    """Run ``command`` in ``folder``, in a process group of its own, which is ended with it.

    The folder is temporary: should this process be killed meanwhile, it is removed.
    Raises OutsideError, with its last line, for a code other than 0 and after ``limit_s`` seconds.
    """
    name, log = Path(command[0]).name, folder / "program.log"
    settings = os.environ | {"LC_ALL": "C.UTF-8"} | environment
    with ProcessGroup(command, folder, log, settings, temporary=folder) as group:
        if not group.wait(limit_s):
            raise OutsideError(
                f"{name}: no end within {limit_s:g} s: stopped{group.describe_last_line()}: use smaller pictures"
            )
        if group.status:
            raise OutsideError(f"{name}: {group.describe_end()}: see that it runs by hand")


def _ask(path: Path, options: Sequence[str]) -> str:
    """Return what a program says of its version; a file that did not change is asked once."""
    status = path.stat()
    return _ask_file(path, tuple(options), status.st_mtime_ns, status.st_size)


@functools.cache
def _ask_file(path: Path, options: tuple[str, ...], *_: int) -> str:
    return ask_program([path, *options], VERSION_LIMIT_S) or ""
