"""The files of a report: written whole, remembered, and removed by the same run's next report if it needs them no more.

Every run and every comparison has a folder of its own below ``reports/``. The first file in it is the ledger, which
makes the folder ours: what others put there is neither replaced nor removed.
"""

import functools
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
from ...core.files import regular, write_atomically, write_json
from .line_breaks import break_name, keep_options

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
PAGE_PARTS = (".css", ".js", ".svg")
"""Files among the templates that are copied to the page's assets as they are."""

LEDGER = "assets/made-by-bokehbench.json"
"""Lists the files of the last report, so that the next one removes what it no longer shows, and nothing else."""

INDEX = "index.html"
"""The list of runs in ``reports/``, and the first page in the folder of each."""

LONGEST_WAIT_S = 300
"""How long a command waits for another one that writes a report into the same folder."""


@contextmanager
def writing(reports: Path, name: str) -> Iterator["Assets"]:
    """Hold ``reports`` for this process, and write ``reports/name/``.

    Two commands that share an output write one after the other. Raises CannotWriteError where the folder cannot be
    written, InvalidOptionError where it is not ours or another command does not let go of it.
    """
    try:
        reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(reports / ".lock", timeout=LONGEST_WAIT_S)
        lock.acquire()
    except Timeout as error:
        raise InvalidOptionError(f"{reports}: another command is still writing a report here: wait for it") from error
    except OSError as error:
        raise CannotWriteError(reports, error) from error
    try:
        _claim(reports, name)
        yield Assets(reports / name)
    finally:
        lock.release()


def refuse_foreign(reports: Path, name: str) -> None:
    """Raise InvalidOptionError where ``reports/name/`` cannot be a report's folder: something else has the name."""
    folder = reports / name
    if name.lower() == INDEX:
        raise InvalidOptionError(f"--run {name}: the list of all runs has this name: choose another with --run")
    if folder.exists() and not folder.is_dir():
        raise InvalidOptionError(f"{folder}: is a file, expected a folder: move it away, or choose another --run")
    if not (folder / LEDGER).is_file() and any(_files_in(folder)):
        raise InvalidOptionError(
            f"{folder}: holds files that no report made: move it away, or choose another name with --run"
        )


def _claim(reports: Path, name: str) -> None:
    """Begin the folder with its ledger, unless it has one."""
    refuse_foreign(reports, name)
    sweep_tree(reports / name)
    ledger = reports / name / LEDGER
    if not ledger.is_file():
        write_json(ledger, [])


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder, short of what a kill may leave of a ledger: empty folders and hidden files."""
    return (path for path in folder.rglob("*") if not path.is_dir() and not path.name.startswith("."))


def fill(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template; everything is escaped."""
    return _templates().get_template(template).render(context)


@functools.cache
def _templates() -> Environment:
    """Return the templates of this process: each is compiled once, not for every page."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"break_name": break_name, "keep_options": keep_options}
    return templates


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

    def write_page(self, name: str, context: Mapping[str, Any], template: str | None = None) -> str:
        """Fill ``template``, by default the one called ``name``, and write the page."""
        return self.write(name, fill(template or name, context))

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
        names = json.loads(regular(path).read_text(encoding="utf-8"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return set(names)
    except FileNotFoundError:
        return set()
    except (OSError, ValueError):
        pass
    log.warning("%s is damaged: files of earlier reports that are no longer shown stay where they are", path)
    return set()
