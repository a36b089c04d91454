"""What a bundle holds, read as strictly as what somebody unknown has written.

Every text is checked against its type, entries that no type names are refused, and rows, scenes and pictures have to
belong to each other. Nothing here shows that a number is true: whoever sends a bundle vouches for it.
"""

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from ...core.documents import parse_json
from ...core.errors import BokehBenchError, DamagedRecordError, InvalidBundleError
from ...core.records import check_whole
from ...core.text import printable
from ..latency.schema import LatencyRecord, measurement_type
from ..metrics.interface import LARGEST_SCORE, ROUNDING
from ..metrics.registry import METRICS, load_metric
from ..option_values import LONGEST_NAME, run_name
from ..run.row_files import parse_row
from ..run.scene_record import check_seal, scene_folder
from ..run.schema import Row, RunRecord, SceneRecord, pictures_of
from ..run.store import REMEDY, RUN_SCHEMA, cases_of_sweep
from .archive import Archive
from .schema import FORMAT, LATENCY, MANIFEST, MOST_PIXELS, NEEDED, ROWS, RUN, SCENES, TEXTS, Manifest
from .schema import SCHEMA as BUNDLE_SCHEMA

T = TypeVar("T")

SCENE_PICTURES = ("input.png", "disparity.png", "target.png")
PNG = re.compile(rb"\x89PNG\r\n\x1a\n....IHDR(.{4})(.{4})", re.DOTALL)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was checked; ``archive`` holds its pictures, those that ``pictures`` names."""

    archive: Archive
    manifest: Manifest
    meta: RunRecord
    rows: list[Row]
    scenes: list[SceneRecord]
    latency: LatencyRecord | None
    pictures: list[str]


def read_bundle(file: BinaryIO, where: str) -> Bundle:
    """Read a bundle and check all of it, pictures too. Raises InvalidBundleError naming ``where`` and the member."""
    archive = Archive(file, where)
    try:
        manifest = _read_manifest(archive)
        members = manifest["members"]
        archive.check_list(members)
        texts = {name: archive.read_checked(name, members[name]) for name in TEXTS if name in members}
        meta = _read_meta(texts[RUN])
        scenes = _read_lines(texts[SCENES], SCENES, lambda line, at: check_whole(SceneRecord, _parse(line, at), at))
        rows = _read_lines(texts[ROWS], ROWS, _read_row)
        latency = _read_latency(texts[LATENCY]) if LATENCY in texts else None
        _check_scenes(scenes)
        _check_rows(rows, meta, scenes)
        pictures = [name for name in members if name not in TEXTS]
        if pictures:
            _check_pictures(archive, manifest, rows, scenes)
        for number, scene in enumerate(scenes, 1):
            check_seal(scene, f"{SCENES}, line {number}: ")
    except DamagedRecordError as error:
        raise InvalidBundleError(f"{where}: {error}") from None
    return Bundle(archive, manifest, meta, rows, scenes, latency, pictures)


def _parse(data: bytes, where: str) -> Any:
    return parse_json(data, where.rstrip(": "), "strict JSON", DamagedRecordError)


def _read_manifest(archive: Archive) -> Manifest:
    content = _parse(archive.read(MANIFEST), MANIFEST)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DamagedRecordError(f"{MANIFEST}: format: expected '{FORMAT}': is it a result bundle?")
    schema = content.get("schema")
    if type(schema) is int and schema > BUNDLE_SCHEMA:
        raise DamagedRecordError(
            f"{MANIFEST}: schema: expected {BUNDLE_SCHEMA}, got {schema}: use the version of bokehbench that wrote it"
        )
    manifest = check_whole(Manifest, content, f"{MANIFEST}: ")
    try:
        run_name(manifest["run"])
    except BokehBenchError:
        raise DamagedRecordError(f"{MANIFEST}: run: expected a run's name, got {manifest['run'][:80]!r}") from None
    for name in NEEDED:
        if name not in manifest["members"]:
            raise DamagedRecordError(f"{MANIFEST}: members: expected {name} among them")
    _check_names(f"{MANIFEST}: ", [manifest["by"], manifest["version"], manifest["commit"] or ""])
    return manifest


def _read_meta(data: bytes) -> RunRecord:
    content = _parse(data, RUN)
    schema = content.pop("schema", None) if isinstance(content, dict) else None
    if schema != RUN_SCHEMA:
        raise DamagedRecordError(f"{RUN}: schema: expected {RUN_SCHEMA}, got {schema!r}")
    if "imported" in content:
        raise DamagedRecordError(f"{RUN}: imported: a bundle is of a run that was measured, not of an imported one")
    meta = check_whole(RunRecord, content, f"{RUN}: ")
    sweep = meta.get("sweep", meta)
    _check_names(
        f"{RUN}: ",
        (name for record in (meta, sweep) for kind in ("renderers", "datasets", "metrics") for name in record[kind]),
    )
    return meta


def _read_latency(data: bytes) -> LatencyRecord:
    content = _parse(data, LATENCY)
    found = content.get("measurements") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise DamagedRecordError(f"{LATENCY}: expected measurements by key")
    record = check_whole(LatencyRecord, content | {"measurements": {}}, f"{LATENCY}: ")
    for key, one in found.items():
        kind: Any = measurement_type(one)
        record["measurements"][key] = check_whole(kind, one, f"{LATENCY}: {key[:80]}: ")
        _check_names(f"{LATENCY}: ", [one["renderer"]])
    return record


def _read_lines(data: bytes, name: str, read: Callable[[bytes, str], T]) -> list[T]:
    lines = data.split(b"\n")
    if lines.pop():
        raise DamagedRecordError(f"{name}: expected an end of line at its end: it is cut off")
    return [read(line, f"{name}, line {number}: ") for number, line in enumerate(lines, 1)]


def _read_row(line: bytes, where: str) -> Row:
    try:
        row = parse_row(line)
    except DamagedRecordError as error:
        raise DamagedRecordError(f"{where}{error}") from None
    unknown = _parse(line, where).keys() - Row.__annotations__.keys() - {"digest"}
    if unknown:
        raise DamagedRecordError(f"{where}unknown entry {min(unknown)}")
    return row


def _check_names(where: str, names: Iterable[str]) -> None:
    """Raise DamagedRecordError for a name that no report could show in a line."""
    for name in names:
        if len(name) > LONGEST_NAME or printable(name) != name:
            raise DamagedRecordError(f"{where}expected printable names of at most {LONGEST_NAME}, got {name[:80]!r}")


def _check_scenes(scenes: list[SceneRecord]) -> None:
    found = set()
    for number, scene in enumerate(scenes, 1):
        where, name = f"{SCENES}, line {number}: ", (scene["dataset"], scene["scene"])
        _check_names(where, [*name, scene["cluster"]])
        if name in found:
            raise DamagedRecordError(f"{where}{' / '.join(name)} is there twice")
        if set(scene.get("files", {})) - set(SCENE_PICTURES):
            raise DamagedRecordError(f"{where}files: expected some of {', '.join(SCENE_PICTURES)}")
        found.add(name)


def _check_rows(rows: list[Row], meta: RunRecord, scenes: list[SceneRecord]) -> None:
    """Raise DamagedRecordError for a row that is not of this run, or has a score that its metric cannot give."""
    sweep = meta.get("sweep", meta)
    planned = {*meta["cases"], *cases_of_sweep(meta)}
    known = {
        "renderer": {*meta["renderers"], *sweep["renderers"]},
        "dataset": {*meta["datasets"], *sweep["datasets"]},
        "environment": set(meta["environments"]),
    }
    metrics = {name: load_metric(name) for name in {*meta["metrics"], *sweep["metrics"]} & METRICS.entries.keys()}
    recorded = {(scene["dataset"], scene["scene"]) for scene in scenes}
    for number, row in enumerate(rows, 1):
        where = f"{ROWS}, line {number}: "
        if row["key"] not in planned:
            raise DamagedRecordError(f"{where}key: none of the cases of {RUN}, or there twice")
        planned.remove(row["key"])
        for name, values in known.items():
            if row[name] not in values:  # type: ignore[literal-required]
                raise DamagedRecordError(f"{where}{name}: expected one of {RUN}, got {dict(row)[name]!r:.80}")
        if row["status"] == "ok" and (row["dataset"], row["scene"]) not in recorded:
            raise DamagedRecordError(f"{where}scene: {SCENES} has no record of {row['scene']!r:.80}")
        _check_names(where, [row["scene"], row["perturbation"], *row.get("code", {})])
        for name, value in row["metrics"].items():
            low, high = metrics[name].bounds if name in metrics else (-math.inf, math.inf)
            low, high = max(low, -LARGEST_SCORE), min(high, LARGEST_SCORE)
            if value is not None and not low - ROUNDING <= value <= high + ROUNDING:
                raise DamagedRecordError(f"{where}metrics.{name[:80]}: expected {low:g} to {high:g}, got {value:g}")


def _check_pictures(archive: Archive, manifest: Manifest, rows: list[Row], scenes: list[SceneRecord]) -> None:
    """Raise DamagedRecordError unless the pictures are those that rows and scenes name, by digest and by size."""
    sizes = {(scene["dataset"], scene["scene"]): (scene["width"], scene["height"]) for scene in scenes}
    wanted = picture_digests(rows, scenes)
    given = {name for name in manifest["members"] if name not in TEXTS}
    for name in sorted(given ^ wanted.keys()):
        why = "no row or scene names it" if name in given else "the manifest lacks this picture"
        raise DamagedRecordError(f"{name}: {why}")
    for name, (place, sha256) in wanted.items():
        content = archive.read_checked(name, manifest["members"][name])
        if manifest["members"][name] != sha256:
            raise DamagedRecordError(f"{name}: not the picture that was scored, by its digest")
        header = PNG.match(content)
        width, height = (struct.unpack(">I", part)[0] for part in header.groups()) if header else (0, 0)
        if (width, height) != sizes[place] or width * height > MOST_PIXELS:
            raise DamagedRecordError(f"{name}: expected a PNG of {'x'.join(map(str, sizes[place]))}")


def picture_digests(rows: Iterable[Row], scenes: Iterable[SceneRecord]) -> dict[str, tuple[tuple[str, str], str]]:
    """Return every picture of rows and scenes by its path in the run: whose it is, (data set, scene), and its SHA-256.

    Raises DamagedRecordError for one whose digest was not stored.
    """
    found: dict[str, tuple[tuple[str, str], str]] = {}
    for row in rows:
        for path, sha256 in pictures_of(row).values():
            if row["status"] == "ok" and path is not None:
                found[path] = ((row["dataset"], row["scene"]), _digest_of(path, sha256))
    for scene in scenes:
        place = scene["dataset"], scene["scene"]
        folder = scene_folder(Path(), *place)
        for name, sha256 in cast(Mapping[str, str], scene.get("files", {})).items():
            found[(folder / name).as_posix()] = place, sha256
    return found


def _digest_of(path: str, sha256: str | None) -> str:
    if sha256 is None:
        raise DamagedRecordError(f"{path}: its digest was not stored: {REMEDY}, or leave pictures out")
    return sha256
