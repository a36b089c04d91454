"""safetensors files that data sets read from in any process."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ...core.errors import DamagedDataError
from ...core.files import regular

Check = Callable[[Path, Any], None]
"""Raises ValueError, which says why, where an open file at a path is not what it should be."""


class OpenFiles:
    """Files by path, each opened and checked when it is first asked for; a copy in another process opens its own."""

    def __init__(self, check: Check):
        self._check = check
        self._files: dict[Path, Any] = {}

    def __getitem__(self, path: Path) -> Any:
        """Return the open file. Raises DamagedDataError naming it where it cannot be used."""
        if path not in self._files:
            try:
                file = safe_open(regular(path), "pt")
                self._check(path, file)
            except (OSError, ValueError, SafetensorError) as error:
                reason = str(error).strip().partition("\n")[0]
                raise DamagedDataError(f"{path}: damaged ({reason}): remove it and store it again") from error
            self._files[path] = file
        return self._files[path]

    def __reduce__(self) -> tuple[type["OpenFiles"], tuple[Check]]:
        return OpenFiles, (self._check,)  # handles cannot be sent to another process


def is_sound(path: Path, check: Check) -> bool:
    """Whether a file is there and can be used; says on stderr where it cannot."""
    if not path.exists():
        return False
    try:
        OpenFiles(check)[path]
    except DamagedDataError as error:
        print(f"{path}: damaged ({error.__cause__}): it is made again", file=sys.stderr)
        return False
    return True
