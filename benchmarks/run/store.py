"""Where results live: append-only JSON lines that survive a kill, read back with the newest row of a key winning.

DIR/results/RUN/run.json          what was asked, by which command, where
                rows-00000.jsonl  one row per finished case, in the order they finished; one part per process
                images/           the renders that were scored, 8-bit PNG
                scenes/           what was rendered: input, disparity, target, and scene.json
                latency.json      what --latency measured
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from ...core.atomic_files import explained
from ...core.errors import InvalidOptionError
from ...core.files import write_json

Meta = dict[str, Any]
"""The content of run.json."""

SCHEMA = 1
"""Of rows."""

RUN_SCHEMA = 2
"""Of run.json: 1 calls ``plan`` what 2 calls ``cases``, and is read too."""


def part_file(folder: Path, part: int) -> Path:
    """Return the file that process number ``part`` writes its rows to."""
    return folder / f"rows-{part:05d}.jsonl"


def merge_parts(folder: Path) -> None:
    """Move the rows of all parts into the first, which a command does before it adds to any.

    So the parts of one command are all that there are beside the first, and no two of them hold the same case. A kill
    in between loses nothing: a part is removed once its rows are written.
    """
    for part in sorted({*folder.glob("rows-*.jsonl")} - {part_file(folder, 0)}):
        with RowWriter(folder) as writer:
            for row in _whole_rows(part):
                writer.append(row)
        part.unlink()


class RowWriter:
    """Appends rows to a part file, one flushed JSON line each. A line torn by a kill is cut off before the first."""

    def __init__(self, folder: Path, part: int = 0):
        self.path = part_file(folder, part)

    def __enter__(self) -> Self:
        with explained(self.path):
            self._file: IO[bytes] = self.path.open("ab")
        whole = _length_of_whole_lines(self.path)
        if whole < self.path.stat().st_size:
            self._file.truncate(whole)
        return self

    def __exit__(self, *exception: object) -> None:
        with explained(self.path):  # closing writes what a full disk has refused before
            self._file.close()

    def append(self, row: dict[str, Any]) -> None:
        """Write one row. NaN and infinity are refused: a metric that has no value is null.

        Raises CannotWriteError where the disk is full.
        """
        line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with explained(self.path):
            self._file.write(line)
            self._file.flush()


def read_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Read every part file; the newest row of a key wins, a torn or foreign line is dropped.

    Rows of later parts are newer than those of the first: see ``merge_parts``.
    """
    rows: dict[str, dict[str, Any]] = {}
    for part in sorted(folder.glob("rows-*.jsonl")):
        for row in _whole_rows(part):
            rows[row["key"]] = row
    return rows


@dataclass(frozen=True)
class StoredRun:
    """A run as the reports see it.

    ``meta`` is run.json; ``rows`` the rows of the last benchmark's cases, in their order; ``sweep`` those of the
    last robustness sweep's; ``scenes`` the scene.json of every scene in either, each with its ``folder`` relative to
    the run's.
    """

    folder: Path
    meta: Meta
    rows: list[dict[str, Any]]
    sweep: list[dict[str, Any]] = field(default_factory=list)
    scenes: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> "StoredRun":
        """Read a run. Raises InvalidOptionError where there is none."""
        meta = read_meta(folder)
        if not meta:
            raise InvalidOptionError(f"{folder}: no run is stored here: run the benchmark first")
        stored = read_rows(folder)
        rows = [stored[key] for key in meta["cases"] if key in stored]
        sweep = [stored[key] for key in meta.get("sweep", {}).get("cases", ()) if key in stored]
        order = {pair: n for n, pair in enumerate(dict.fromkeys((r["dataset"], r["scene"]) for r in rows + sweep))}
        scenes = [scene for scene in _read_scenes(folder) if (scene["dataset"], scene["scene"]) in order]
        scenes.sort(key=lambda scene: order[scene["dataset"], scene["scene"]])
        return cls(folder, meta, rows, sweep, scenes)

    @property
    def planned(self) -> int:
        """How many cases the last benchmark and the last sweep asked for; those that both did count once."""
        return len({*self.meta["cases"], *self.meta.get("sweep", {}).get("cases", ())})

    @property
    def finished(self) -> list[dict[str, Any]]:
        """The rows of these cases, those that there are."""
        return list({row["key"]: row for row in self.rows + self.sweep}.values())


def write_meta(folder: Path, meta: Meta) -> None:
    """Write run.json, atomically."""
    write_json(folder / "run.json", {"schema": RUN_SCHEMA, **meta})


def read_meta(folder: Path) -> Meta:
    """Read run.json, short of its schema; empty where no run is stored.

    Raises InvalidOptionError for a damaged file or another schema.
    """
    path = folder / "run.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InvalidOptionError(f"{path}: not valid JSON ({error}): start over with --fresh") from error
    schema = meta.pop("schema", None) if isinstance(meta, dict) else None
    if schema not in (1, RUN_SCHEMA):
        raise InvalidOptionError(
            f"{path}: expected a run of schema 1 or {RUN_SCHEMA}, got {schema}: start over with --fresh"
        )
    return _from_schema_1(meta) if schema == 1 else meta


def _from_schema_1(meta: Meta) -> Meta:
    """Name what schema 1 called ``plan``."""
    renamed = {"cases" if name == "plan" else name: value for name, value in meta.items()}
    if "sweep" in renamed:
        renamed["sweep"] = _from_schema_1(renamed["sweep"])
    return renamed


def _read_scenes(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("scenes/*/*/scene.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InvalidOptionError(f"{path}: not valid JSON ({error}): give the benchmark's command again") from error
        yield {**record, "folder": path.parent.relative_to(folder)}


def _length_of_whole_lines(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1


def _whole_rows(part: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part file, short of torn and foreign lines."""
    for line in part.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("schema") == SCHEMA and isinstance(row.get("key"), str):
            yield row
