"""safetensors files that data sets read from in any process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ...core.errors import DamagedDataError


class OpenFiles:
    """Files by path, each opened and checked when it is first asked for; a copy in another process opens its own.

    ``check(path, file)`` raises ValueError, which says why, where an open file is not what it should be.
    """

    def __init__(self, check: Callable[[Path, Any], None]):
        self._check = check
        self._files: dict[Path, Any] = {}

    def __getitem__(self, path: Path) -> Any:
        """Return the open file. Raises DamagedDataError naming it where it cannot be used."""
        if path not in self._files:
            try:
                file = safe_open(path, "pt")
                self._check(path, file)
            except (OSError, ValueError, SafetensorError) as error:
                reason = str(error).strip().partition("\n")[0]
                raise DamagedDataError(f"{path}: damaged ({reason}): remove it and store it again") from error
            self._files[path] = file
        return self._files[path]

    def __reduce__(self) -> tuple[type["OpenFiles"], tuple[Callable[[Path, Any], None]]]:
        return OpenFiles, (self._check,)  # handles cannot be sent to another process
