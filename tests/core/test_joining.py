"""Processes that share a command wait for each other for a bounded time, and say in one line who is missing."""

import signal
import time
from pathlib import Path

import pytest

from bokehbench.core.errors import InvalidOptionError, LostProcessError
from bokehbench.core.joining import meet, patience
from bokehbench.core.launch import read_launch

ROOT = Path(__file__).resolve().parents[2]

SHARED = """
import os, signal, sys
from bokehbench.core.errors import BokehBenchError
from bokehbench.benchmarks.run.processes import join_processes
try:
    processes = join_processes("cpu")
    print("joined", processes.gather(processes.index), flush=True)
    if processes.index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    processes.wait()
except BokehBenchError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    ("rank", "minutes", "message"),
    [(0, 0.02, "only 1 of 2 processes have come within 0.02 minutes"), (1, 0.002, "no main process at 127.0.0.1:")],
)
def test_who_does_not_come_is_said(one_of_two, monkeypatch, rank, minutes, message):
    for name, value in one_of_two(rank, minutes).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostProcessError) as caught:
        meet(read_launch())
    said = str(caught.value)
    assert said.startswith(message)
    assert "BOKEHBENCH_WAIT_MINUTES" in said
    assert len(said.splitlines()) == 1


def test_two_processes_join_and_one_that_dies_is_noticed_at_once(start_one):
    first, second = start_one(0, "-c", SHARED), start_one(1, "-c", SHARED)
    joined, message = second.communicate(timeout=120)
    assert second.returncode == -signal.SIGKILL, message
    died = time.monotonic()
    out, said = first.communicate(timeout=60)
    assert time.monotonic() - died < 30.0
    assert joined == out == "joined [0, 1]\n"
    assert first.returncode == 1
    assert "another process of this command has ended" in said
    assert "give the same command to go on" in said


WAITING = (
    """
import signal
from bokehbench.core import joining
signal.signal(signal.SIGTERM, lambda *_: exit(143))
answers = joining._answers
joining._answers = lambda *place: answers(*place) or print("waiting", flush=True)
"""
    + SHARED
)
"""Says whenever it has looked for the main process in vain."""


def test_a_signal_ends_the_wait(start_one):
    process = start_one(1, "-c", WAITING)
    assert process.stdout.readline() == "waiting\n"
    process.terminate()
    assert process.wait(timeout=30) == 143


@pytest.mark.parametrize("minutes", ["soon", "0", "-1", "nan", "inf", "1e9"])
def test_an_impossible_time_is_refused(monkeypatch, minutes):
    monkeypatch.setenv("BOKEHBENCH_WAIT_MINUTES", minutes)
    with pytest.raises(InvalidOptionError, match="BOKEHBENCH_WAIT_MINUTES: expected minutes, above 0 to 43200, got"):
        patience()


def test_run_bench_says_that_the_main_process_does_not_come(start_one, tmp_path):
    arguments = ["--renderers", "identity", "--datasets", "synbokeh-mini", "--output", tmp_path]
    process = start_one(1, ROOT / "run_bench.py", *arguments, minutes=0.002)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    (line,) = said.splitlines()
    assert line.startswith("run_bench.py: no main process at 127.0.0.1:")
