"""The worker as this side sees it: started, asked one thing at a time, stopped when it does not answer."""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ...core.errors import MissingWeightsError, OutsideError, SkippedSceneError
from ...core.text import one_line

WORKER = Path(__file__).with_name("worker.py")
PROTOCOL = 1
LONGEST_LINE = 1 << 16
PATIENCE_S = 5.0
"""For a worker to end by itself, and again after SIGTERM."""

LOG_VARIABLE = "BOKEHBENCH_WORKER_LOG"
"""Names a file that gets what workers print, tracebacks included."""

WITHHELD = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSAFEPATH",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
)
"""Variables of this process that would mislead another Python, or make it join this command's processes."""

RAISED = {"missing": MissingWeightsError, "unsupported": SkippedSceneError}


class Worker:
    """A running ``worker.py``; ``folder`` is a private folder for arrays, deleted by ``close``.

    After a death or a stop it answers no more: ``alive`` is False. Raises OutsideError where it cannot be started.
    """

    def __init__(self, python: Path, adapter: Path, repository: Path):
        self._temporary = tempfile.TemporaryDirectory(prefix="bokehbench-worker-")
        self.folder = Path(self._temporary.name)
        self._log = Path(os.environ.get(LOG_VARIABLE) or self.folder / "stderr.txt").absolute()
        self._count = 0
        self._buffer = b""
        self._busy = False
        self._stopped = False
        command = [str(python), "-s", str(WORKER), str(adapter), str(repository)]
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own repository, by its own Python
                    command,
                    cwd=repository,
                    env=_environment(),
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            self._temporary.cleanup()
            raise OutsideError(
                f"{python}: cannot be started ({error.strerror}): check the repository's Python"
            ) from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, op: str, limit_s: float, **fields: Any) -> dict[str, Any]:
        """Send a request and return the reply.

        Raises MissingWeightsError or SkippedSceneError where the adapter says so, OutsideError for all else: it failed,
        ended, gave no answer in time, or answered with something that is none. In the last three cases it is stopped.
        """
        self._count += 1
        self._busy = True
        line = json.dumps({"id": self._count, "op": op, **fields}).encode() + b"\n"
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(line)
        except OSError as error:
            raise self._died() from error
        reply = self._parse(self._read_line(limit_s))
        self._busy = False
        if reply["ok"]:
            return reply
        kind, text = str(reply.get("kind")), one_line(str(reply.get("error")))
        if kind == "memory":
            raise OutsideError(f"out of memory: use smaller images or another device: {text}")
        raise RAISED.get(kind, OutsideError)(text)

    def close(self) -> None:
        """End the worker, politely where it is idle, and every process that it has started; delete its folder."""
        if self.alive and not self._busy:
            with suppress(OutsideError, MissingWeightsError, SkippedSceneError):
                self.ask("close", PATIENCE_S)
                self._wait()
        if self.alive and not self._busy:
            self._signal(signal.SIGTERM)
            self._wait()
        self._stop()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101
            pipe.close()
        self._temporary.cleanup()

    def _read_line(self, limit_s: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self._stop()
                    raise OutsideError(f"no answer within {limit_s:g} s: stopped")
                got = os.read(self._process.stdout.fileno(), LONGEST_LINE)
                if not got:
                    raise self._died()
                self._buffer += got
                if len(self._buffer) > LONGEST_LINE:
                    raise self._broken(self._buffer)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or reply.get("id") != self._count or not isinstance(reply.get("ok"), bool):
            raise self._broken(line)
        return reply

    def _broken(self, line: bytes) -> OutsideError:
        self._stop()
        shown = one_line(line.decode("utf-8", "replace"), 80)
        return OutsideError(f"expected an answer to request {self._count}, got '{shown}': stopped")

    def _died(self) -> OutsideError:
        self._wait()
        self._stop()
        code = self._process.returncode
        status = f"status {code}" if code >= 0 else f"signal {-code} ({signal.Signals(-code).name})"
        if code == -signal.SIGKILL:
            status += ", most likely for want of memory"
        said = [line for line in _tail(self._log).splitlines() if line.strip()]
        return OutsideError(f"ended with {status}; last line: {one_line(said[-1], 200) if said else 'none'}")

    def _stop(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._stopped = True

    def _wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_S)

    def _signal(self, number: int) -> None:
        """Send a signal to the worker and all that it has started."""
        if self._stopped:  # the number may be another group's by now
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _environment() -> Mapping[str, str]:
    threads = str(torch.get_num_threads())
    kept = {name: value for name, value in os.environ.items() if name not in WITHHELD}
    return kept | {
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_LINE))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
