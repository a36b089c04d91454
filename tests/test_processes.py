"""``accelerate launch run_bench.py``: two processes share the cases; one that is killed costs only what it was at."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from bokehbench.benchmarks.run.processes import Processes

ROOT = Path(__file__).resolve().parent.parent
SELECTION = ["--renderers", "identity,classical", "--datasets", "synbokeh-mini", "--metrics", "psnr", "--limit", "6"]
LAUNCH = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
COMPARED = ("key", "status", "metrics", "image", "image_sha256", "weights")


def command(output, *launch):
    return [sys.executable, *launch, str(ROOT / "run_bench.py"), *SELECTION, "--device", "cpu", "--output", str(output)]


def stored(output):
    """Return the rows of each part file, in their order."""
    parts = sorted((output / "results" / "default").glob("rows-*.jsonl"))
    return {part.name: [json.loads(line) for line in part.read_bytes().split(b"\n")[:-1]] for part in parts}


def essence(rows):
    return {row["key"]: {name: row[name] for name in COMPARED} for row in rows}


UNLIKE = """
import os
import platform
import runpy
import sys

platform.platform = lambda: "machine " + os.environ["RANK"]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Starts a script as if each process ran on a machine of its own."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory, run_bench_main):
    """The rows of one process with one thread, as each has here."""
    output, threads = tmp_path_factory.mktemp("alone"), torch.get_num_threads()
    torch.set_num_threads(1)
    assert run_bench_main(command(output)[2:]) == 0
    torch.set_num_threads(threads)
    return essence(stored(output)["rows-00000.jsonl"])


@pytest.mark.usefixtures("one_thread")
def test_two_processes_give_the_rows_of_one_and_record_where_each_ran(tmp_path, alone):
    script = tmp_path / "unlike.py"
    script.write_text(UNLIKE)
    launched = command(tmp_path, *LAUNCH, str(script))
    done = subprocess.run(launched, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("12 of 12 cases ok") == 1, "only the main process reports"
    parts = stored(tmp_path)
    assert [len(rows) for rows in parts.values()] == [6, 6]
    rows = [row for part in parts.values() for row in part]
    assert max(Counter(row["key"] for row in rows).values()) == 1, "each case once"
    assert essence(rows) == alone
    assert (tmp_path / "reports" / "index.html").is_file()
    environments = json.loads((tmp_path / "results" / "default" / "run.json").read_bytes())["environments"]
    assert [environments[row["environment"]]["platform"] for row in rows] == ["machine 0"] * 6 + ["machine 1"] * 6


@pytest.mark.usefixtures("one_thread")
def test_cases_of_a_killed_process_are_done_by_the_next_start(tmp_path, alone, run_bench, start_one):
    main, helper = (start_one(rank, *command(tmp_path)[1:]) for rank in (0, 1))
    deadline = time.monotonic() + 300
    while not stored(tmp_path).get("rows-00001.jsonl"):
        assert helper.poll() is None, "ended before anything was finished"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    helper.kill()
    _, said = main.communicate(timeout=300)
    assert main.returncode == 2
    assert "another process of this command has ended" in said
    before = [row for part in stored(tmp_path).values() for row in part]
    assert 1 <= len(before) < 12
    done = run_bench(*command(tmp_path)[2:])
    assert done.returncode == 0, done.stderr
    parts = stored(tmp_path)
    assert list(parts) == ["rows-00000.jsonl"], "a start merges the parts"
    rows = parts["rows-00000.jsonl"]
    assert max(Counter(row["key"] for row in rows).values()) == 1, "what was finished is not done again"
    assert {row["key"] for row in before} <= {row["key"] for row in rows}
    assert essence(rows) == alone


def test_mistake_is_said_once(tmp_path):
    arguments = [str(ROOT / "run_bench.py"), "--renderers", "clasical", "--output", str(tmp_path)]
    done = subprocess.run([sys.executable, *LAUNCH, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.count("unknown renderer 'clasical'") == 1


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_are_disjoint_and_complete(count):
    items = list(range(5))
    shares = [Processes(index, count).share(items) for index in range(count)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
