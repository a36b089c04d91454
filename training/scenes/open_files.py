"""safetensors files that data sets read from in any process."""

from pathlib import Path
from typing import Any

from safetensors import safe_open


class OpenFiles:
    """Files by path, each opened when it is first asked for; a copy in another process opens its own."""

    def __init__(self) -> None:
        self._files: dict[Path, Any] = {}

    def __getitem__(self, path: Path) -> Any:
        if path not in self._files:
            self._files[path] = safe_open(path, "pt")
        return self._files[path]

    def __reduce__(self) -> tuple[type["OpenFiles"], tuple[()]]:
        return OpenFiles, ()  # handles cannot be sent to another process
