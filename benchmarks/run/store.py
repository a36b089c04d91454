"""Where results live: append-only JSON lines that survive a kill, read back with the newest row of a key winning.

DIR/results/RUN/run.json          what was asked, by which command, where
                rows-00000.jsonl  one row per finished case, in the order they finished; one part per process
                images/           the renders that were scored, 8-bit PNG
                scenes/           what was rendered: input, disparity, target, and scene.json
                latency.json      what --latency measured

Everything is checked against its type (``schema``) where it is read.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self, cast

from ...core.documents import kind_of, read_mapping
from ...core.errors import DamagedRecordError, InvalidOptionError
from ...core.files import write_json
from ...core.records import check_record, parse_record
from .scene_record import read_record, scene_folder
from .schema import CommandRecord, Row, RunRecord, StoredScene

log = logging.getLogger(__name__)

RUN_FILE = "run.json"
RUN_SCHEMA = 2
"""Of run.json: 1 calls ``plan`` what 2 calls ``cases``, and is read too."""

REMEDY = "give the run's command again"

MOST_FAULTS = 20
"""So many lines of one file that are no rows are named; of the others the number is said."""

EARLIER_ROWS = dict.fromkeys(("weights", "peak_memory_mb", "disparity", "disparity_sha256", "backend")) | dict.fromkeys(
    ("device", "dtype", "time"), ""
)
"""What rows of earlier versions may lack."""

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


class RowWriter:
    """Appends rows to a part file, one flushed JSON line each.

    A last line without an end is ended where it is whole JSON, and cut off where a kill tore it. Raises
    InvalidOptionError where the file cannot be written.
    """

    def __init__(self, folder: Path, part: int = 0):
        self.path = part_file(folder, part)

    def __enter__(self) -> Self:
        content = _read_bytes(self.path) if self.path.exists() else b""
        self._file: IO[bytes] = self.path.open("ab")
        whole = _length_of_whole_lines(content)
        if whole < len(content):
            self._file.truncate(whole)
        elif content and not content.endswith(b"\n"):
            self._file.write(b"\n")
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def append(self, row: Row) -> None:
        """Write one row. NaN and infinity are refused: a metric that has no value is null."""
        self.append_line(json.dumps(row, ensure_ascii=False, allow_nan=False).encode())

    def append_line(self, line: bytes) -> None:
        """Write one line as it is."""
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
                row = _parse_row(line)
            except DamagedRecordError as error:
                found.append(f"{part}, line {number}: no row, so passed over: {error}")
            else:
                rows[row["key"]] = row
        faults += found[:MOST_FAULTS]
        if len(found) > MOST_FAULTS:
            faults.append(f"{part}: {len(found) - MOST_FAULTS} more lines are no rows")
    return rows, faults


@dataclass(frozen=True)
class StoredRun:
    """A run as the reports see it.

    ``meta`` is run.json; ``rows`` the rows of the last benchmark's cases, in their order; ``sweep`` those of the
    last robustness sweep's; ``scenes`` the scene.json of every scene in either, each with its ``folder`` relative to
    the run's.
    """

    folder: Path
    meta: RunRecord
    rows: list[Row]
    sweep: list[Row] = field(default_factory=list)
    scenes: list[StoredScene] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> "StoredRun":
        """Read a run; a row or a scene's record that is damaged is left out, and a warning names it.

        Raises InvalidOptionError where there is none, DamagedRecordError for a damaged run.json.
        """
        try:
            meta = read_meta(folder)
        except DamagedRecordError as error:
            raise DamagedRecordError(f"{error}: {REMEDY}, which keeps what is finished") from None
        if meta is None:
            raise InvalidOptionError(f"{folder}: no run is stored here: run the benchmark first")
        stored, faults = scan_rows(folder)
        rows = [stored[key] for key in meta["cases"] if key in stored]
        sweep = [stored[key] for key in cases_of_sweep(meta) if key in stored]
        scenes, damaged = _read_scenes(folder, rows + sweep)
        for fault in faults + damaged:
            log.warning("%s: %s", fault, REMEDY)
        return cls(folder, meta, rows, sweep, scenes)

    @property
    def planned(self) -> int:
        """How many cases the last benchmark and the last sweep asked for; those that both did count once."""
        return len({*self.meta["cases"], *cases_of_sweep(self.meta)})

    @property
    def finished(self) -> list[Row]:
        """The rows of these cases, those that there are."""
        return list({row["key"]: row for row in self.rows + self.sweep}.values())


def cases_of_sweep(meta: RunRecord) -> list[str]:
    """Return the keys of the last robustness sweep's cases; none where there was no sweep."""
    return meta["sweep"]["cases"] if "sweep" in meta else []


def write_meta(folder: Path, meta: RunRecord) -> None:
    """Write run.json, atomically."""
    write_json(folder / RUN_FILE, {"schema": RUN_SCHEMA, **meta})


def read_meta(folder: Path) -> RunRecord | None:
    """Read run.json, short of its schema; None where no run is stored.

    Raises DamagedRecordError; InvalidOptionError for the schema of a later version.
    """
    path = folder / RUN_FILE
    if not path.exists() and not path.is_symlink():
        return None
    content = read_mapping(path, "the record of a run", DamagedRecordError)
    schema = content.pop("schema", None)
    if type(schema) is int and schema > RUN_SCHEMA:
        raise InvalidOptionError(
            f"{path}: expected a run of schema 1 or {RUN_SCHEMA}, got {schema}: "
            "use the version of bokehbench that wrote it, or start over with --fresh"
        )
    if type(schema) is not int or schema < 1:
        raise DamagedRecordError(f"{path}: schema: expected 1 or {RUN_SCHEMA}, got {schema!r}")
    meta = check_record(RunRecord, _from_schema_1(content) if schema == 1 else content, f"{path}: ")
    for environment in meta["environments"].values():
        environment.setdefault("packages", {})
    _fill_command(meta)
    if "sweep" in meta:
        _fill_command(meta["sweep"])
    return meta


def _fill_command(command: CommandRecord) -> None:
    """Add what earlier versions did not store."""
    command.setdefault("starts", 1)
    for about in command["renderers"].values():
        about.setdefault("training", None)
        about.setdefault("needs_weights", False)
    for dataset in command["datasets"].values():
        dataset.setdefault("version", "")


def _from_schema_1(meta: dict[str, Any]) -> dict[str, Any]:
    """Name what schema 1 called ``plan``."""
    renamed = {"cases" if name == "plan" else name: value for name, value in meta.items()}
    if isinstance(renamed.get("sweep"), dict):
        renamed["sweep"] = _from_schema_1(renamed["sweep"])
    return renamed


def _read_scenes(folder: Path, rows: list[Row]) -> tuple[list[StoredScene], list[str]]:
    """Return the records of the scenes of ``rows`` in their order, and one line for each that should be there."""
    scenes: list[StoredScene] = []
    faults = []
    finished = {(row["dataset"], row["scene"]) for row in rows if row["status"] == "ok"}
    for dataset, scene in dict.fromkeys((row["dataset"], row["scene"]) for row in rows):
        try:
            record = read_record(folder, dataset, scene)
        except DamagedRecordError as error:
            faults.append(f"{error}: the gallery lacks this scene")
        else:
            if record is not None:
                scenes.append({**record, "folder": scene_folder(folder, dataset, scene).relative_to(folder)})
            elif (dataset, scene) in finished:
                faults.append(f"{folder}: no record of {dataset} / {scene}: the gallery lacks this scene")
    return scenes, faults


def _read_bytes(path: Path) -> bytes:
    """Return a file's content. Raises InvalidOptionError where it is no file or cannot be read."""
    try:
        other = kind_of(path)
        if other is None:
            return path.read_bytes()
    except OSError as error:
        raise InvalidOptionError(f"{path}: cannot be read ({error.strerror})") from error
    raise InvalidOptionError(f"{path}: expected a file, found {other}")


def _parse_row(line: bytes) -> Row:
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
    for name, path in (("image", row["image"]), ("disparity", row.get("disparity"))):
        if path is not None and not STORED_PATH.fullmatch(path):
            return f"{name}: expected a path below images/ or scenes/, got '{path}'"
    return None


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
