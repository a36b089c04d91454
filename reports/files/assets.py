"""The files of a report: written whole, remembered, and removed by the next report that does not need them."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ...core.atomic_files import sweep_tree
from ...core.errors import CannotWriteError, InvalidOptionError
from ...core.files import write_atomically, write_json

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
PAGE_PARTS = (".css", ".js", ".svg")
"""Files among the templates that are copied to the page's assets as they are."""

LEDGER = "assets/made-by-bokehbench.json"
"""Lists the files of the last report, so that the next one removes what it no longer shows, and nothing else."""


LONGEST_WAIT_S = 300
"""How long a command waits for another one that writes a report into the same folder."""


@contextmanager
def writing(folder: Path) -> Iterator["Assets"]:
    """Hold the report in ``folder`` for this process: two commands that share an output write one after the other.

    Raises CannotWriteError where the folder cannot be written, InvalidOptionError where another command does not let go
    of it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=LONGEST_WAIT_S)
        lock.acquire()
    except Timeout as error:
        raise InvalidOptionError(f"{folder}: another command is still writing the report here: wait for it") from error
    except OSError as error:
        raise CannotWriteError(folder, error) from error
    sweep_tree(folder)
    try:
        yield Assets(folder)
    finally:
        lock.release()


class Assets:
    """Writes files below ``folder`` by names relative to it; ``files`` are all that this report needs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files: set[str] = set()

    def write(self, name: str, content: bytes | str) -> str:
        """Write a file, text as UTF-8. Returns its name, which is its URL on the pages.

        Raises CannotWriteError where it cannot be written.
        """
        encoded = content.encode("utf-8") if isinstance(content, str) else content
        write_atomically(self.folder / name, lambda file: file.write(encoded))
        self.files.add(name)
        return name

    def write_page(self, name: str, context: Mapping[str, Any]) -> str:
        """Fill the template ``name`` and write the page under that name; everything is escaped."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return self.write(name, environment.get_template(name).render(context))

    def copy_parts(self) -> None:
        """Copy style sheets, scripts and the icon."""
        for source in sorted(TEMPLATES.iterdir()):
            if source.suffix in PAGE_PARTS:
                self.write(f"assets/{source.name}", source.read_bytes())

    def remove_stale(self) -> None:
        """Remove the last report's files that this one does not need. Files that no report made are left alone."""
        ledger = self.folder / LEDGER
        earlier = _read_ledger(ledger)
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


def _read_ledger(path: Path) -> set[str]:
    """Return the names in a ledger; a damaged one is said to be, and is taken for empty."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return set(names)
    except FileNotFoundError:
        return set()
    except (OSError, ValueError):
        pass
    log.warning("%s is damaged: files of earlier reports that are no longer shown stay where they are", path)
    return set()
