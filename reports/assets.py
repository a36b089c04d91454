"""The files of a report: written whole, remembered, and removed by the next report that does not need them."""

import json
from pathlib import Path

from ..benchmarks.files import write_atomically, write_json

TEMPLATES = Path(__file__).resolve().parent / "templates"
PAGE_PARTS = (".css", ".js", ".svg")
"""Files among the templates that are copied to the page's assets as they are."""

LEDGER = "assets/made-by-bokehbench.json"
"""Lists the files of the last report, so that the next one removes what it no longer shows, and nothing else."""


class Assets:
    """Writes files below ``folder`` by names relative to it; ``files`` are all that this report needs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files: set[str] = set()

    def write(self, name: str, content: bytes | str) -> str:
        """Write a file, text as UTF-8. Returns its name, which is its URL on the pages."""
        encoded = content.encode("utf-8") if isinstance(content, str) else content
        write_atomically(self.folder / name, lambda file: file.write(encoded))
        self.files.add(name)
        return name

    def copy_parts(self) -> None:
        """Copy style sheets, scripts and the icon."""
        for source in sorted(TEMPLATES.iterdir()):
            if source.suffix in PAGE_PARTS:
                self.write(f"assets/{source.name}", source.read_bytes())

    def remove_stale(self) -> None:
        """Remove the last report's files that this one does not need. Files that no report made are left alone."""
        ledger = self.folder / LEDGER
        earlier = set(json.loads(ledger.read_text(encoding="utf-8"))) if ledger.exists() else set()
        write_json(ledger, sorted(self.files))
        for name in sorted(earlier - self.files):
            path = (self.folder / name).resolve()
            if self._is_ours(path) and path.is_file():
                path.unlink()
                self._remove_empty_folders(path.parent)

    def _is_ours(self, path: Path) -> bool:
        """Whether a report may have made it: a damaged ledger must not make this remove anything else."""
        pages = path.parent == self.folder.resolve() and path.suffix == ".html"
        return pages or path.is_relative_to((self.folder / "assets").resolve())

    def _remove_empty_folders(self, folder: Path) -> None:
        while folder not in (self.folder.resolve(), (self.folder / "assets").resolve()) and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
