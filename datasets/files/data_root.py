"""Where the user's own copies of data sets lie, and what may be read there."""

import os
import reprlib
from pathlib import Path, PureWindowsPath

from ...core.errors import DamagedDataError, MissingDataError

DATA_VARIABLE = "BOKEHBENCH_DATA"
LONGEST_NAME_BYTES = 255
"""Of a file, on every usual file system."""

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "data"
HELP = f"folder of your own data sets; default: ${DATA_VARIABLE}, else data/ beside run_bench.py where it exists"
"""What every command says of its option ``--data-root``."""


def default_data_root() -> Path | None:
    """Return $BOKEHBENCH_DATA, else the folder ``data`` of the repository where it exists, else None."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen)
    return DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else None


def require_folder(name: str, data_root: Path | None, subfolder: str, remedy: str) -> Path:
    """Return the folder of the data set ``name`` in ``data_root``.

    Raises MissingDataError where it is absent, in one line that ends with ``remedy``: what to get.
    """
    if data_root is None:
        wanted = f"DIR/{subfolder}" if subfolder else "DIR"
        raise MissingDataError(
            f"{name}: no data folder is given: put it at {wanted} and say --data-root DIR (or set {DATA_VARIABLE}): "
            f"{remedy}"
        )
    folder = data_root / subfolder
    if not folder.is_dir():
        raise MissingDataError(f"{name}: {folder}: no such folder: {remedy}")
    return folder


def inside(root: Path, named: object, described_in: Path) -> Path:
    """Return ``root`` / ``named``, a relative path that a file of the data set names.

    Raises DamagedDataError for anything but a path that stays inside ``root``.
    """
    path = PureWindowsPath(named) if isinstance(named, str) else PureWindowsPath()  # knows both separators
    impossible = any("\0" in part or len(part.encode()) > LONGEST_NAME_BYTES for part in path.parts)
    if not path.parts or path.anchor or ".." in path.parts or impossible:
        raise DamagedDataError(f"{described_in}: expected a path inside {root}, got {reprlib.repr(named)}")
    return root.joinpath(*path.parts)
