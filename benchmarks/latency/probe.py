"""One measurement of one renderer, in a process of its own: ``python -m bokehbench.benchmarks.latency.probe``.

Reads a point as JSON from the standard input and writes the measurement as the last line of the standard output. A
fresh process makes peak memory comparable, and a renderer that runs out of memory takes nothing else with it.
"""

import atexit
import gc
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil
import torch

from ...core.errors import MissingWeightsError
from ...core.forks import one_process
from ...core.scene import GivenScene
from ...core.streams import keeping_streams, prepare_streams
from ...core.threads import use_torch_threads
from ...core.timing import StageClock
from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from ..run.measure import BYTES_PER_MB, measure, peak_resident_mb
from ..run.outcomes import describe_outcome
from .repeats import RepeatRule, describe_spread, repeat_until_narrow
from .scene import make_latency_scene

Record = dict[str, Any]

GPU_FIELDS = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.limit,temperature.gpu"


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is measured: a renderer on one size and largest blur radius, on one device in one number type.

    ``code``: a digest of the renderer's code.
    """

    renderer: str
    weights: str | None
    code: str = ""
    device: str
    dtype: str
    height: int
    width: int
    radius_px: float

    @property
    def key(self) -> str:
        """The point's stable name."""
        made_of = "#".join([self.renderer, self.weights or "", self.code]).rstrip("#")
        return f"{made_of}/{self.width}x{self.height}/{self.radius_px:g}px/{self.device}/{self.dtype}"


@dataclass(frozen=True)
class Repeat:
    """Seconds of one call: on the wall clock, of all processor cores together, and between device events on CUDA."""

    wall: float
    cpu: float
    device: float | None
    stages: dict[str, float]

    @property
    def seconds(self) -> float:
        """The time that counts: of the device where there is one."""
        return self.wall if self.device is None else self.device


def measure_point(point: Point, renderer: Renderer, rule: RepeatRule) -> Record:
    """Prepare the renderer, then measure it; see ``measure_prepared``."""
    start = time.perf_counter()
    renderer.prepare(point.device, point.dtype)
    prepared = time.perf_counter() - start
    return measure_prepared(point, renderer, rule) | {"prepare_seconds": prepared}


def measure_prepared(point: Point, renderer: Renderer, rule: RepeatRule) -> Record:
    """Render once to warm up and to see its memory, then time repeats, with a renderer prepared as ``point`` says.

    The scene's way to the device and the checks are outside the clock. Times are medians over the repeats;
    ``stages`` leaves out what no stage covers.
    """
    scene = make_latency_scene(point.height, point.width, point.radius_px, renderer.capabilities.scale)
    given = renderer.accept(scene)
    clocks = [read_gpu()]
    gc.collect()  # what earlier work left behind must not be given back during the call whose memory is watched
    with one_process(renderer.name):
        first = measure(lambda: renderer.render_accepted(given), renderer.device)
    renderer.check(first.result, given)
    cost = renderer.cost or first
    memory = _describe_memory(cost.peak_memory_mb, peak_resident_mb() if cost is first else None, renderer.device)
    with ForeignLoad() as foreign:
        repeats, stopped = repeat_until_narrow(lambda: _time_once(renderer, given), lambda one: one.seconds, rule)
    clocks.append(read_gpu())
    spread = describe_spread([one.seconds for one in repeats])
    names = dict.fromkeys(name for one in repeats for name in one.stages)
    return {
        "status": "ok",
        "reason": None,
        "backend": renderer.backend,
        "spread": asdict(spread),
        "stopped": stopped,
        "repeats": [{"wall": one.wall, "cpu": one.cpu, "device": one.device} for one in repeats],
        "cpu_seconds": float(np.median([one.cpu for one in repeats])),
        "megapixels_per_second": point.height * point.width / 1e6 / spread.median,
        "stages": {name: float(np.median([one.stages.get(name, 0.0) for one in repeats])) for name in names},
        "first_seconds": first.seconds,
        "memory": memory,
        "other_processes_cores": foreign.cores,
        "gpu": [state for state in clocks if state],
        "threads": torch.get_num_threads(),
    }


def _time_once(renderer: Renderer, scene: GivenScene) -> Repeat:
    """Render once, as a new scene. On CUDA the device has no work left before the first event and after the last."""
    renderer.forget()
    apart = renderer.cost is not None  # another process renders, and holds the clock
    before = seconds_of_children() if apart else 0.0
    cuda = renderer.device.type == "cuda"
    with one_process(renderer.name), StageClock(renderer.device) as clock:  # each render: forks would fork in turn
        if cuda:
            torch.cuda.synchronize(renderer.device)
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
        wall, cpu = time.perf_counter(), time.process_time()
        renderer.render_accepted(scene)
        if cuda:
            end.record()
            torch.cuda.synchronize(renderer.device)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if apart and renderer.cost is not None:
        return Repeat(renderer.cost.seconds, cpu + seconds_of_children() - before, None, {})
    return Repeat(wall, cpu, begin.elapsed_time(end) / 1000 if cuda else None, clock.seconds())


def _describe_memory(added_mb: float | None, resident_mb: float | None, device: torch.device) -> Record:
    """Return MiB: added by the first call, the process's resident peak in it, what PyTorch allocated and reserved."""
    memory: Record = {"added_mb": added_mb, "resident_mb": resident_mb}
    if device.type == "cuda":
        memory["allocated_mb"] = torch.cuda.max_memory_allocated(device) / BYTES_PER_MB
        memory["reserved_mb"] = torch.cuda.max_memory_reserved(device) / BYTES_PER_MB
    return memory


class ForeignLoad:
    """How many processor cores all but this process and what it has started kept busy inside the ``with`` block."""

    cores = 0.0

    def __enter__(self) -> "ForeignLoad":
        self._start = self._read()
        return self

    def __exit__(self, *exception: object) -> None:
        wall, busy, own = (after - before for before, after in zip(self._start, self._read(), strict=True))
        self.cores = max(0.0, busy - own) / max(wall, 1e-9)

    @staticmethod
    def _read() -> tuple[float, float, float]:
        times = psutil.cpu_times()
        busy = sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq", "steal"))
        return time.perf_counter(), busy, time.process_time() + seconds_of_children()


def seconds_of_children() -> float:
    """Return the processor seconds of all that this process has started, alive or ended."""
    me = psutil.Process()
    total = sum(me.cpu_times()[2:4])  # of those that have ended
    for process in me.children(recursive=True):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def read_gpu() -> dict[str, str] | None:
    """Return name, driver, clocks, power limit and temperature as nvidia-smi reports them; None without an answer."""
    program = shutil.which("nvidia-smi")
    if program is None or not torch.cuda.is_available():
        return None
    index = str(torch.cuda.current_device())
    command = [program, f"--query-gpu={GPU_FIELDS}", "--format=csv,noheader", "-i", index]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    values = [value.strip() for value in done.stdout.strip().split(",")]
    names = GPU_FIELDS.split(",")
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else None


def describe_failure(error: BaseException, device: str) -> Record:
    """Turn an error that is handled into a failed or skipped measurement, with the reason that a row would keep."""
    found: Record = describe_outcome(error, device)
    found.pop("traceback", None)
    return found | ({"without_weights": True} if isinstance(error, MissingWeightsError) else {})


def main() -> int:
    """Measure the point on the standard input."""
    prepare_streams()
    use_torch_threads()
    request = json.load(sys.stdin)
    point = Point(**request["point"])
    with keeping_streams():
        try:
            record = measure_point(point, load_renderer(point.renderer), RepeatRule(**request["rule"]))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a renderer may raise anything; the report names it
            record = describe_failure(error, point.device)
    print(f"\n{json.dumps(record)}")  # a renderer may have left a line without its end
    return 0


if __name__ == "__main__":
    ended = main()
    sys.stdout.flush()
    atexit._run_exitfuncs()  # what cleans up; threads that a renderer has left running would keep the end waiting
    os._exit(ended)
