"""How long renderers take over sizes and blur radii: every point measured in a process of its own, kept, resumed.

DIR/results/RUN/latency.json holds the plan and every measurement; it is rewritten, atomically, after each one.
"""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch

from ...core.documents import read_mapping
from ...core.errors import DamagedRecordError, InvalidOptionError
from ...core.files import set_aside, write_json
from ...core.progress import ProgressBar
from ...core.records import check_record
from ...renderers.registry import find_renderer
from ..option_values import Size
from ..request import RunRequest
from ..run.environment import describe_environment
from ..run.reuse import ContentTable
from ..run.run_folder import RunFolder
from ..run.run_record import now
from ..run.session import check_device, choose_device
from ..run.usable import complete, load_renderer
from .probe import Point, Record
from .repeats import RepeatRule
from .schema import SCHEMA, LatencyRecord, measurement_type

log = logging.getLogger(__name__)

FILE = "latency.json"

CPU_SIZES: tuple[Size, ...] = ((256, 256), (256, 384), (512, 512), (512, 768))
CUDA_SIZES: tuple[Size, ...] = (*CPU_SIZES, (1024, 1024), (1024, 1536), (1536, 1536), (2048, 2048))
CPU_RADII: tuple[float, ...] = (8.0, 32.0)
CUDA_RADII: tuple[float, ...] = (8.0, 32.0, 64.0)

RULE = RepeatRule(fewest=3)

PROBE = (sys.executable, "-m", "bokehbench.benchmarks.latency.probe")


def run_latency(request: RunRequest, rule: RepeatRule | None = None) -> Record:
    """Measure what ``request`` asks for and is not measured yet; returns what latency.json then says.

    A measurement is kept while weights, code, versions, threads and machine stay the same. Raises BokehBenchError for
    unknown names, an absent device, a run that another command writes.
    """
    rule = rule or RULE
    check_device(request.device)
    points = plan_points(request)
    with RunFolder.open(request.folder) as run:
        environment, surroundings = describe_environment()
        earlier = None if request.fresh else _read_earlier(run.folder)
        record: Record = {
            "schema": SCHEMA,
            "command": request.command,
            "started": now(),
            "rule": asdict(rule),
            "cuda": torch.version.cuda,
            "plan": [point.key for point in points],
            "environments": (earlier["environments"] if earlier else {}) | {environment: surroundings},
            "measurements": earlier["measurements"] if earlier else {},
        }
        write_json(run.folder / FILE, record)
        for point in ProgressBar(points, unit="point", dynamic_ncols=True):
            stored = record["measurements"].get(point.key)
            if stored and stored["status"] == "ok" and stored["environment"] == environment:
                continue
            outcome = _skipped(point, record) or measure_apart(point, rule)
            record["measurements"][point.key] = asdict(point) | outcome | {"environment": environment, "time": now()}
            write_json(run.folder / FILE, record)
    return record


def plan_points(request: RunRequest) -> list[Point]:
    """Return every point, small ones first; renderers vary slowest. Radii count once.

    Sizes and radii that are not asked for are those of the device. Raises InvalidOptionError for further sizes of a
    renderer that is not asked for.
    """
    for name, _ in request.more_sizes:
        if name not in request.renderers:
            raise InvalidOptionError(f"--more-sizes {name}: expected one of {', '.join(request.renderers)}")
    points = []
    for name in request.renderers:
        renderer = complete(name, load_renderer(name))
        code = ContentTable().add(find_renderer(name).hash_code(renderer) | renderer.foreign_code())
        device = choose_device(request.device, renderer)
        cuda = torch.device(device).type == "cuda"
        sizes = [*(request.sizes or (CUDA_SIZES if cuda else CPU_SIZES))]
        sizes += [size for owner, size in request.more_sizes if owner == name]
        radii = request.radii or (CUDA_RADII if cuda else CPU_RADII)
        points += [
            Point(
                renderer=name,
                weights=renderer.weights,
                code=code,
                device=device,
                dtype=request.dtype,
                height=height,
                width=width,
                radius_px=radius_px,
            )
            for height, width in sorted(dict.fromkeys(sizes), key=lambda size: size[0] * size[1])
            for radius_px in sorted(set(radii))
        ]
    return points


def measure_apart(point: Point, rule: RepeatRule, command: Sequence[str] = PROBE) -> Record:
    """Measure a point in a fresh process (``command``); a process that dies is a failed measurement."""
    request = json.dumps({"point": asdict(point), "rule": asdict(rule)})
    done = subprocess.run(  # noqa: S603
        command, input=request, capture_output=True, encoding="utf-8", errors="backslashreplace", check=False
    )
    if done.returncode == -signal.SIGKILL:
        return {"status": "failed", "reason": "killed by the system: most likely out of memory"}
    last = done.stdout.strip().splitlines()[-1:] if done.returncode == 0 else []
    if not last:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
        return {"status": "failed", "reason": f"the process ended with code {done.returncode}: {said[0]}"}
    try:
        outcome: Any = json.loads(last[0])
    except ValueError:
        outcome = None
    if not isinstance(outcome, dict) or "status" not in outcome:
        return {
            "status": "failed",
            "reason": f"expected a measurement as the process's last line, got '{last[0][:200]}'",
        }
    return outcome


def read_latency(folder: Path) -> LatencyRecord | None:
    """Read a run's latency.json; None where nothing was measured.

    A damaged measurement is left out, and a warning names it. Raises DamagedRecordError for a damaged file.
    """
    try:
        return _read(folder)
    except DamagedRecordError as error:
        raise DamagedRecordError(f"{error}: measure again with --latency, which sets it aside") from None


def _read(folder: Path) -> LatencyRecord | None:
    path = folder / FILE
    if not path.exists() and not path.is_symlink():
        return None
    content = read_mapping(path, "measurements of latency", DamagedRecordError)
    measurements = content.get("measurements")
    if isinstance(measurements, dict):
        content["measurements"] = {}  # each is checked by itself below
    record = check_record(LatencyRecord, content, f"{path}: ")
    for key, one in cast(dict[str, Any], measurements).items():
        kind: Any = measurement_type(one)
        try:
            record["measurements"][key] = check_record(kind, one, f"{path}: {key}: ")
        except DamagedRecordError as error:
            log.warning("%s: it is left out until --latency is given again", error)
    for environment in record["environments"].values():
        environment.setdefault("packages", {})
    return record


def _read_earlier(folder: Path) -> LatencyRecord | None:
    """Return what is measured so far; a damaged file is set aside, as a damaged run.json is."""
    try:
        return _read(folder)
    except DamagedRecordError as error:
        aside = set_aside(folder / FILE)
        log.warning("%s: it is kept as %s, and everything is measured again", error, aside.name)
        return None


def _skipped(point: Point, record: Record) -> Record | None:
    """Return why a renderer that this command found without weights is not tried on its other points."""
    for other in record["measurements"].values():
        same = other["renderer"] == point.renderer and other["time"] >= record["started"]
        if same and other.get("without_weights"):
            return {"status": "skipped", "reason": other["reason"], "without_weights": True}
    return None
