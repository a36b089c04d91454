"""Trainings in processes of their own that start in a moment: forked from one that has imported the libraries."""

import multiprocessing
import os
import subprocess
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

IMPORTED = [
    "accelerate",
    "torch.utils.tensorboard",
    "bokehbench.renderers.diffusion.prompt",  # which imports diffusers
    "bokehbench.renderers.bokehdiff.checkpoints",
    "bokehbench.training.bokehdiff.build",
    "bokehbench.training.bokehdiff.latent_task",
    "bokehbench.training.engine.loop",
]
"""Nothing of it starts a thread, which a fork would lose."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""What else a process did, and its threads, may decide in which order a library adds up, and so the last bits."""

PROGRAM = """
import os, runpy, sys
with open(errors, "wb") as file:
    os.dup2(file.fileno(), 2)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
sys.argv = arguments
if program.endswith(".py"):
    runpy.run_path(program, run_name="__main__")
else:
    runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


class Forked:
    """``python PROGRAM ARGUMENTS``, a file or a module's name: a little of ``subprocess.Popen``."""

    def __init__(self, errors: Path, program: str, *arguments: object):
        """Start it; what it says on stderr goes into the file ``errors``."""
        self._errors = errors
        given = {"errors": str(errors), "program": program, "arguments": [program, *map(str, arguments)]}
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        with mock.patch.dict(os.environ, ONE_THREAD):
            forkserver.ensure_running()
        self._process = context.Process(target=exec, args=(PROGRAM, given))
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self._process.pid, number)

    def finish(self, timeout: float = 300.0) -> str:
        """Wait for its end; return what it said. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            self._process.kill()
            raise subprocess.TimeoutExpired(str(self._errors), timeout)
        return self._errors.read_text(encoding="utf-8", errors="replace")
