"""Rows on disk: append-only JSON lines that survive a kill, read back with the newest row of a key winning.

Each line ends with a digest of what stands before it, so that a row that was damaged, or changed by hand, is no row.
A line that is no row is never used and never lost: whoever reads says so and goes on, and the next command of the run
moves it into DAMAGED_LINES.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self, cast

from ...core.atomic_files import explained, write_atomically
from ...core.documents import kind_of
from ...core.errors import DamagedRecordError, InvalidOptionError
from ...core.records import parse_record
from .schema import Row, pictures_of

DAMAGED_LINES = "damaged-rows.txt"

MOST_FAULTS = 20
"""So many lines of one file that are no rows are named; of the others the number is said."""

EARLIER_ROWS = dict.fromkeys(
    ("weights", "peak_memory_mb", "input", "input_sha256", "disparity", "disparity_sha256", "wrong_band", "backend")
) | dict.fromkeys(("device", "dtype", "time"), "")
"""What rows of earlier versions may lack."""

DIGEST = re.compile(rb', "digest": "([0-9a-f]{16})"\}\s*')
"""The end of a row's line; rows of earlier versions have none."""

STORED_PATH = re.compile(r"(images|scenes)(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*){3}")
"""Where rows say that pictures lie: names as ``safe_name`` gives them, so that none leads out of the run."""


def part_file(folder: Path, part: int) -> Path:
    """Return the file that process number ``part`` writes its rows to."""
    return folder / f"rows-{part:05d}.jsonl"


def merge_parts(folder: Path) -> None:
    """Move the lines of all parts into the first, which a command does before it adds to any.

    So the parts of one command are all that there are beside the first, and no two of them hold the same case. A kill
    in between loses nothing: a part is removed once its rows are written. Raises InvalidOptionError for a part that
    cannot be read.
    """
    for part in sorted({*folder.glob("rows-*.jsonl")} - {part_file(folder, 0)}):
        with RowWriter(folder) as writer:
            for line in _whole_lines(_read_bytes(part)):
                writer.append_line(line)
        part.unlink()


def set_damaged_lines_aside(folder: Path) -> list[str]:
    """Move lines that are no rows into DAMAGED_LINES, so that they are met once. Returns what is wrong with each."""
    all_faults = []
    for part in sorted(folder.glob("rows-*.jsonl")):
        lines = [(line, _fault_of(line)) for line in _whole_lines(_read_bytes(part))]
        bad = [line for line, fault in lines if fault]
        if bad:
            with explained(folder / DAMAGED_LINES), (folder / DAMAGED_LINES).open("ab") as file:
                file.writelines(line + b"\n" for line in bad)
            good = b"".join(line + b"\n" for line, fault in lines if not fault)
            write_atomically(part, lambda file, content=good: file.write(content))
            faults = [f"{part.name}: no row: {fault}" for _, fault in lines if fault]
            all_faults += _shorten(part, faults)
    return all_faults


class RowWriter:
    """Appends rows to a part file, one flushed JSON line each.

    A last line without an end is ended where it is whole JSON, and cut off where a kill tore it. Raises
    InvalidOptionError where the file cannot be read, CannotWriteError where it cannot be written.
    """

    def __init__(self, folder: Path, part: int = 0):
        self.path = part_file(folder, part)

    def __enter__(self) -> Self:
        content = _read_bytes(self.path) if self.path.exists() else b""
        whole = _length_of_whole_lines(content)
        with explained(self.path):
            self._file: IO[bytes] = self.path.open("ab")
            if whole < len(content):
                self._file.truncate(whole)
            elif content and not content.endswith(b"\n"):
                self._file.write(b"\n")
        return self

    def __exit__(self, *exception: object) -> None:
        with explained(self.path):  # closing writes what a full disk has refused before
            self._file.close()

    def append(self, row: Row) -> None:
        """Write one row.

        Raises CannotWriteError where the disk is full.
        """
        self.append_line(seal_row(row))

    def append_line(self, line: bytes) -> None:
        """Write one line as it is."""
        with explained(self.path):
            self._file.write(line + b"\n")
            self._file.flush()


def read_rows(folder: Path) -> dict[str, Row]:
    """Read every part file; the newest row of a key wins, and what is no row is passed over."""
    return scan_rows(folder)[0]


def scan_rows(folder: Path) -> tuple[dict[str, Row], list[str]]:
    """Read every part file. Returns the newest row of each key, and a fault in one line for whatever is no row.

    Rows of later parts are newer than those of the first: see ``merge_parts``.
    """
    rows: dict[str, Row] = {}
    faults: list[str] = []
    for part in sorted(folder.glob("rows-*.jsonl")):
        found = []
        try:
            content = _read_bytes(part)
        except InvalidOptionError as error:
            faults.append(f"{error}: its rows are missing")
            continue
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                row = parse_row(line)
            except DamagedRecordError as error:
                found.append(f"{part}, line {number}: no row, so passed over: {error}")
            else:
                rows[row["key"]] = row
        faults += _shorten(part, found)
    return rows, faults


def _read_bytes(path: Path) -> bytes:
    """Return a file's content. Raises InvalidOptionError where it is no file or cannot be read."""
    try:
        other = kind_of(path)
        if other is None:
            return path.read_bytes()
    except OSError as error:
        raise InvalidOptionError(
            f"{path}: cannot be read ({error.strerror}): make it readable, or move it away"
        ) from error
    raise InvalidOptionError(f"{path}: expected a file, found {other}: move it away")


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest()[:16].encode()


def seal_row(row: Row) -> bytes:
    """Return a row's line, short of its end, with a digest of what stands before it.

    NaN and infinity are refused: a metric that has no value is null.
    """
    line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    return line[:-1] + b', "digest": "' + _digest(line) + b'"}'


def parse_row(line: bytes) -> Row:
    """Return the row that a line holds. Raises DamagedRecordError where it is none, or not as it was written."""
    start = line.rfind(b', "digest": "')
    if start >= 0 and (sealed := DIGEST.fullmatch(line, start)):
        line = line[:start] + b"}"
        if _digest(line) != sealed[1]:
            raise DamagedRecordError("it was changed after it was written")
    try:
        row = parse_record(Row, line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DamagedRecordError(f"not UTF-8 at byte {error.start}") from None
    fault = _contradiction(row)
    if fault:
        raise DamagedRecordError(fault)
    return cast(Row, EARLIER_ROWS | {"notes": {}} | row)


def _contradiction(row: Row) -> str | None:
    """Return what of a row of the right types cannot be; None where nothing is wrong."""
    if row["status"] == "ok" and (row["image"] is None or row["image_sha256"] is None):
        return "status: ok, but no picture is named"
    for name, (path, _) in pictures_of(row).items():
        if path is not None and not STORED_PATH.fullmatch(path):
            return f"{name}: expected a path below images/ or scenes/, got '{path}'"
    return None


def _fault_of(line: bytes) -> str | None:
    try:
        parse_row(line)
    except DamagedRecordError as error:
        return str(error)
    return None


def _shorten(part: Path, faults: list[str]) -> list[str]:
    """Return the first faults of a file, and how many more there are."""
    more = [f"{part}: {len(faults) - MOST_FAULTS} more lines are no rows"] if len(faults) > MOST_FAULTS else []
    return faults[:MOST_FAULTS] + more


def _whole_lines(content: bytes) -> Iterator[bytes]:
    """Yield the lines of a part file, short of one that a kill tore."""
    yield from (line for line in content[: _length_of_whole_lines(content)].split(b"\n") if line.strip())


def _length_of_whole_lines(content: bytes) -> int:
    """Return where the last whole line ends: a line without an end is whole if it is JSON."""
    end = content.rfind(b"\n") + 1
    try:
        json.loads(content[end:])
    except (ValueError, RecursionError):
        return end
    return len(content)
