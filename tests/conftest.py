"""Fixtures that every folder of tests shares, and one thread for each of pytest-xdist's workers."""

import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many workers as cores: a second thread would only take another worker's turn. Read when PyTorch starts, here
    # and in the processes that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import pytest
import torch

if not torch.cuda.is_available():
    # Triton, which comes with PyTorch's CUDA builds, reads it when it is imported, and any library may do that.
    os.environ.setdefault("TRITON_INTERPRET", "1")

from bokehbench.renderers.interface import Scene

from .two_processes import *  # noqa: F403 - fixtures

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    # A shell lets what it starts in the background ignore these, and what tests start would inherit that.
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody asks
def pytest_xdist_auto_num_workers() -> int:
    """``-n logical``: a worker for each core, and no more than the tests have work and a machine memory for."""
    return min(8, os.cpu_count() or 1)


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    """A factory of small random scenes: a near square over a far plane; keyword arguments replace fields of Scene."""

    def make(height: int = 24, width: int = 32, seed: int = 0, **fields) -> Scene:
        generator = torch.Generator().manual_seed(seed)
        disparity = torch.full((1, height, width), 0.2)
        disparity[:, height // 4 : -height // 4, width // 4 : -width // 4] = 0.8
        image = torch.rand(3, height, width, generator=generator)
        defaults = {
            "name": f"random-{seed}",
            "image": image,
            "disparity": disparity,
            "focus_disparity": 0.8,
            "blur_strength": 6.0,
            "target": image.clone(),
        }
        return Scene(**(defaults | fields))

    return make


@pytest.fixture
def ends() -> Callable[[int], bool]:
    """Whether a process is gone, or waits for somebody to read its status, or soon will be."""

    def ends(pid: int) -> bool:
        deadline = time.monotonic() + 10.0
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return ends


@pytest.fixture(scope="session")
def run_bench_main() -> Callable[[list[str]], int]:
    """``main`` of run_bench.py, a script beside the packages."""
    spec = importlib.util.spec_from_file_location("run_bench", ROOT / "run_bench.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.main


@pytest.fixture
def in_process(capsys) -> Callable[..., Callable[..., subprocess.CompletedProcess[str]]]:
    """Of a program's ``main`` a function of its arguments that returns the exit code and what was printed."""

    def wrap(main):
        def run(*arguments) -> subprocess.CompletedProcess[str]:
            command = [str(argument) for argument in arguments]
            capsys.readouterr()
            try:
                code = main(command)
            except SystemExit as end:  # argparse's way to end
                code = end.code
            return subprocess.CompletedProcess(command, code, *capsys.readouterr())

        return run

    return wrap


@pytest.fixture
def run_bench(run_bench_main, in_process) -> Callable[..., subprocess.CompletedProcess[str]]:
    """run_bench.py in this process."""
    return in_process(run_bench_main)


@pytest.fixture
def one_thread(monkeypatch):
    """One thread here and in the processes that the test starts: their number decides the last digits of a metric."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
