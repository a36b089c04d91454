"""The process that does the steps: ``python -m bokehbench.benchmarks.gpu.worker DEVICE``, and ``Worker``, its owner.

A step that crashes, hangs or spoils the device takes nothing else with it: after anything but an answer the next step
gets a fresh process. The names of steps come on the standard input, a JSON line for each goes to the standard output.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any, NoReturn

import torch

from ...core.owner import end_after
from ...core.threads import use_torch_threads
from ..latency.probe import describe_failure
from .step import Record
from .steps import find_step

COMMAND = (sys.executable, "-m", "bokehbench.benchmarks.gpu.worker")


class Worker:
    """Owns one process at a time, on one device ("cpu" or "cuda"); close it at the end."""

    def __init__(self, device: str, command: tuple[str, ...] = COMMAND):
        self._command = (*command, device)
        # What Triton is on the CPU: its interpreter. It decides when it is imported.
        self._environment = os.environ | {"TRITON_INTERPRET": "1" if device == "cpu" else "0"}
        self._process: subprocess.Popen[str] | None = None
        self._said: Any = None

    def run(self, name: str, seconds: float) -> Record:
        """Do a step and return what it found; one that takes longer than ``seconds`` is ended, and has failed."""
        process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 - piped
        assert process.stdout is not None  # noqa: S101
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(f"{name}\n")
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            timer.cancel()
            timer.join()  # it may have begun to end the process
        if line:
            answer = _read_answer(line)
        else:
            process.wait()
            answer = {"status": "failed", "reason": self._why_it_ended(seconds if late.is_set() else None)}
        # After an error of the device nothing more can be expected of its process; an answer may come just too late.
        if "result" not in answer or late.is_set():
            self.close()
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._said.close()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - as long as the process lives
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=self._environment,
        )
        return self._process

    def _why_it_ended(self, limit: float | None) -> str:
        if limit is not None:
            return f"took longer than {limit:.3g} s: ended"
        assert self._process is not None  # noqa: S101
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return "killed by the system: most likely out of memory"
        self._said.seek(0)
        last = self._said.read().strip().splitlines()[-1:] or ["nothing was said"]
        return f"the process ended with code {code}: {last[0]}"


def _read_answer(line: str) -> Record:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "status" in answer:
        return answer
    return {"status": "failed", "reason": f"expected an answer, got '{line.rstrip()[:200]}'"}


def do_step(name: str, device: torch.device) -> str:
    """Do a step in this process; return what it found as JSON. Whatever it raises is a failure with its reason."""
    try:
        return json.dumps(find_step(name).run(device), allow_nan=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - drivers and compilers raise anything; it is named
        return json.dumps(describe_failure(error, str(device)))


def main() -> NoReturn:
    """Answer until the standard input ends, and with it this process, whatever step it is at."""
    answers, device = sys.stdout, torch.device(sys.argv[1])
    names: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            names.put(line.rstrip("\n"))

    end_after(listen)
    use_torch_threads()
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no answer
        while True:
            print(do_step(names.get(), device), file=answers, flush=True)


if __name__ == "__main__":
    main()
