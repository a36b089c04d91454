"""One command in a forked child: with a time-out, a memory limit, and everything that it says."""

import contextlib
import importlib.util
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 20.0
MEMORY_BYTES = 4 << 30
TRACEBACK_CODE = 99


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code, negative for a signal, None after the time-out; and what it said."""

    code: int | None
    said: str


def run(work: Callable[[], int], log: Path, timeout_s: float = TIMEOUT_S) -> Done:
    """Do ``work``, which returns an exit code, in a forked child."""
    child = os.fork()
    if child == 0:
        _be_child(work, log)
    deadline = time.monotonic() + timeout_s
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            code = None
            break
        time.sleep(0.005)
    return Done(code, log.read_text(encoding="utf-8", errors="replace"))


def _be_child(work: Callable[[], int], log: Path) -> None:
    code = TRACEBACK_CODE
    try:
        os.setsid()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", write_through=True)
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", write_through=True)
        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY_BYTES, used + MEMORY_BYTES))
        code = work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - this is what is looked for
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def script() -> object:
    """Return run_bench.py as a module."""
    spec = importlib.util.spec_from_file_location("run_bench", ROOT / "run_bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def warm_up(networks: bool) -> None:
    """Import what commands import, so that a child starts at once; nothing here starts a thread.

    ``networks``: diffusers too, and what trains with it.
    """
    import bokehbench.benchmarks.run.session
    import bokehbench.reports.report
    from bokehbench.renderers.registry import load_renderer

    for name in ("identity", "classical"):
        load_renderer(name)
    if networks:
        import bokehbench.renderers.bokehdiff.pipeline
        import bokehbench.training.engine.loop  # noqa: F401
        from bokehbench.core.diffusers import EMAModel  # noqa: F401

        load_renderer("bokehdiff")
