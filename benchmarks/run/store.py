"""Where results live, and a run read back.

DIR/results/RUN/run.json          what was asked, by which command, where
                rows-00000.jsonl  one row per finished case, in the order they finished; one part per process
                images/           the renders that were scored, 8-bit PNG
                scenes/           what was rendered: input, disparity, target, and scene.json
                latency.json      what --latency measured
                damaged-rows.txt  lines that were found to be no rows

Everything is checked against its type (``schema``) where it is read.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.documents import read_mapping
from ...core.errors import DamagedRecordError, InvalidOptionError
from ...core.files import write_json
from ...core.records import check_record
from ...core.text import did_you_mean
from .row_files import scan_rows
from .rows import drop_outdated
from .scene_record import read_scene_record, scene_folder
from .schema import CommandRecord, Environment, Row, RunRecord, StoredScene

log = logging.getLogger(__name__)

RUN_FILE = "run.json"
RUN_SCHEMA = 2
"""Of run.json: 1 calls ``plan`` what 2 calls ``cases``, and is read too."""

UNKNOWN_UNIT = ""
"""In place of a scene's independent unit where no record of the scene says it."""

REMEDY = "give the run's command again"
OUTDATED = f"not scored yet by the metric's present code: {REMEDY}"


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
    def open(cls, folder: Path, elsewhere: str = "--output DIR") -> "StoredRun":
        """Read a run; a row or a scene's record that is damaged is left out, and a warning names it.

        ``elsewhere``: what the caller is given for another folder than the one that was looked in, for the error.
        Raises InvalidOptionError where there is none, DamagedRecordError for a damaged run.json.
        """
        try:
            meta = read_meta(folder)
        except DamagedRecordError as error:
            raise DamagedRecordError(f"{error}: {REMEDY}, which keeps what is finished") from None
        if meta is None:
            others = (path.parent.name for path in sorted(folder.parent.glob(f"*/{RUN_FILE}")))
            hint = did_you_mean(folder.name, others)
            remedy = f"run the benchmark first, or name the folder that it wrote to with {elsewhere}"
            raise InvalidOptionError(f"{folder}: no run is stored here: {remedy}{hint}")
        stored, faults = scan_rows(folder)
        codes = meta.get("scored_by", {})
        rows = _choose(meta, stored, codes, faults)
        sweep = _choose(meta["sweep"], stored, codes, faults) if "sweep" in meta else []
        scenes, damaged = _read_scenes(folder, rows + sweep)
        for fault in dict.fromkeys(faults + damaged):
            log.warning("%s: %s", fault, REMEDY)
        return cls(folder, meta, rows, sweep, scenes)

    @property
    def origin(self) -> str:
        """Where an imported run comes from, in words; empty for one that was measured here."""
        if "imported" not in self.meta:
            return ""
        imported = self.meta["imported"]
        by = f" by {imported['by']}" if imported["by"] else ""
        machines = " and ".join(dict.fromkeys(map(name_machine, self.meta["environments"].values())))
        return (
            f"imported from {imported['file']}: measured{by} on {machines or 'no known machine'} as '{imported['run']}'"
        )

    @property
    def has_pictures(self) -> bool:
        """Whether its pictures are kept here: an imported run may have come without."""
        return "imported" not in self.meta or self.meta["imported"]["pictures"]

    def find_units(self, rows: Sequence[Row]) -> dict[tuple[str, str], str]:
        """Return the independent unit of every scene of ``rows``, by data set and scene.

        It is what the scene's record says, UNKNOWN_UNIT for a finished scene whose record is lost or damaged, and the
        scene itself where nothing is finished.
        """
        recorded = {(scene["dataset"], scene["scene"]): scene["cluster"] for scene in self.scenes}
        units = {(row["dataset"], row["scene"]): row["scene"] for row in rows}
        finished = {(row["dataset"], row["scene"]) for row in rows if row["status"] == "ok"}
        units |= dict.fromkeys(finished, UNKNOWN_UNIT)
        return {place: recorded.get(place, unit) for place, unit in units.items()}

    @property
    def planned(self) -> int:
        """How many cases the last benchmark and the last sweep asked for; those that both did count once."""
        return len({*self.meta["cases"], *cases_of_sweep(self.meta)})

    @property
    def finished(self) -> list[Row]:
        """The rows of these cases, those that there are."""
        return list({row["key"]: row for row in self.rows + self.sweep}.values())


def _choose(
    command: CommandRecord, stored: Mapping[str, Row], codes: Mapping[str, str], faults: list[str]
) -> list[Row]:
    """Return the rows of a command's cases in their order, short of scores by other code of a metric than ``codes``.

    One that is of no renderer or data set of the command is a fault.
    """
    used = {name: codes[name] for name in command["metrics"] if name in codes}
    rows = []
    for key in command["cases"]:
        row = stored.get(key)
        if row is None:
            continue
        if row["renderer"] in command["renderers"] and row["dataset"] in command["datasets"]:
            is_scored = row["status"] == "ok" and command["datasets"][row["dataset"]]["scored"]
            rows.append(drop_outdated(row, used, OUTDATED) if is_scored else row)
        else:
            faults.append(f"{key}: passed over: its row says {row['renderer']} on {row['dataset']}")
    return rows


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
    command["settings"].setdefault("perturbations", [])
    for about in command["renderers"].values():
        about.setdefault("training", None)
        about.setdefault("needs_weights", False)
        if "inputs" not in about["capabilities"]:
            about["capabilities"].setdefault("needs_disparity", True)
    for dataset in command["datasets"].values():
        dataset.setdefault("version", "")
        dataset.setdefault("true_disparity", True)


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
            record = read_scene_record(folder, dataset, scene)
        except DamagedRecordError as error:
            faults.append(f"{error}: the gallery lacks this scene")
        else:
            if record is not None:
                scenes.append({**record, "folder": scene_folder(folder, dataset, scene).relative_to(folder)})
            elif (dataset, scene) in finished:
                faults.append(f"{folder}: no record of {dataset} / {scene}: the gallery lacks this scene")
    return scenes, faults


def name_machine(environment: Environment) -> str:
    """Return the processor of an environment, and the GPU where there is one."""
    return ", ".join(filter(None, (environment.get("processor") or "unknown processor", environment.get("gpu"))))
