"""The worker as this side sees it: started, asked one thing at a time, stopped when it does not answer."""

import json
import os
import selectors
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError, OutsideError, SkippedSceneError
from ...core.programs import ProcessGroup, ask_program
from ...core.text import one_line

WORKER = Path(__file__).with_name("worker.py")
LISTS_PACKAGES = Path(__file__).with_name("list_packages.py")
PROTOCOL = 1
LONGEST_LINE = 1 << 16
LISTING_S = 60.0
PATIENCE_S = 5.0
"""For a worker to end by itself, and again after SIGTERM."""

LOG_VARIABLE = "BOKEHBENCH_WORKER_LOG"
"""Names a folder that gets a file for each worker, with what it prints, tracebacks included."""

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
        self._count = 0
        self._buffer = b""
        self._busy = False
        command = [python, "-s", WORKER, adapter, repository]
        try:
            log = open_log(repository.name) or self.folder / "stderr.txt"
            self._group = ProcessGroup(command, repository, log, _environment(), piped=True, temporary=self.folder)
        except BaseException:
            self._temporary.cleanup()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._group.alive

    def ask(self, op: str, limit_s: float, **fields: Any) -> dict[str, Any]:
        """Send a request and return the reply.

        Raises MissingWeightsError or SkippedSceneError where the adapter says so, OutsideError for all else: it failed,
        ended, gave no answer in time, or answered with something that is none. In the last three cases it is stopped.
        """
        self._count += 1
        self._busy = True
        line = json.dumps({"id": self._count, "op": op, **fields}).encode() + b"\n"
        assert self._group.input is not None  # noqa: S101 - it is a pipe
        try:
            self._group.input.write(line)
        except (OSError, ValueError) as error:  # of a pipe that nobody reads, or that is closed
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
                self._group.wait(PATIENCE_S)
        if self.alive and not self._busy:
            self._group.send(signal.SIGTERM)
            self._group.wait(PATIENCE_S)
        self._group.kill()
        self._temporary.cleanup()

    def _read_line(self, limit_s: float) -> bytes:
        assert self._group.output is not None  # noqa: S101 - it is a pipe
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._group.output, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self._group.kill()
                    raise OutsideError(f"no answer within {limit_s:g} s: stopped{self._group.describe_last_line()}")
                got = os.read(self._group.output.fileno(), LONGEST_LINE)
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
        self._group.kill()
        shown = one_line(line.decode("utf-8", "replace"), 80)
        return OutsideError(f"expected an answer to request {self._count}, got '{shown}': stopped")

    def _died(self) -> OutsideError:
        self._group.wait(PATIENCE_S)
        self._group.kill()
        return OutsideError(self._group.describe_end())


def find_log_folder() -> Path | None:
    """Return the folder that LOG_VARIABLE names, made where it is absent. Raises InvalidOptionError for none."""
    named = os.environ.get(LOG_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidOptionError(f"{LOG_VARIABLE}: expected a folder, got {folder} ({error.strerror})") from error
    return folder


def open_log(name: str) -> Path | None:
    """Make a file for a worker's words in the folder that LOG_VARIABLE names; None where it names none.

    Raises InvalidOptionError where that cannot be done.
    """
    folder = find_log_folder()
    if folder is None:
        return None
    try:
        number, path = tempfile.mkstemp(".log", f"{name}-", folder)
    except OSError as error:
        raise InvalidOptionError(f"{LOG_VARIABLE}: no file can be made in {folder} ({error.strerror})") from error
    os.close(number)
    return Path(path)


def list_packages(python: Path) -> dict[str, str]:
    """Return the versions of a Python and of the packages that its worker finds, by name; empty where it cannot say."""
    said = ask_program([python, "-s", LISTS_PACKAGES], LISTING_S, _environment())
    try:
        versions = json.loads(said or "{}")
    except ValueError:
        return {}
    return {str(name): str(version) for name, version in versions.items()} if isinstance(versions, dict) else {}


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
