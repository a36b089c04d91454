"""``kill -9`` in the first renderer and in the second, then the same command: nothing is lost or made twice."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SELECTION = ["--renderers", "identity,classical", "--datasets", "synbokeh-mini", "--metrics", "psnr", "--limit", "8"]
KILLS = (3, 11)
"""Finished cases at which the process is killed: of 8 of ``identity``, then 8 of ``classical``."""
COMPARED = ("key", "status", "metrics", "image", "image_sha256", "weights")


def whole_rows(output: Path) -> list[dict]:
    path = output / "results" / "default" / "rows-00000.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def kill_at(output: Path, rows: int) -> None:
    """Start the command and kill it once it has finished that many cases in all: it is at the next one by then."""
    command = [sys.executable, ROOT / "run_bench.py", *SELECTION, "--output", output]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        while process.poll() is None and len(whole_rows(output)) < rows:
            time.sleep(0.002)
    finally:
        process.kill()
        _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said


def test_kills_cost_nothing_that_was_finished(tmp_path, run_bench, one_thread):
    straight = run_bench(*SELECTION, "--output", tmp_path / "straight")
    assert straight.returncode == 0, straight.stderr

    broken = tmp_path / "broken"
    for number in KILLS:
        before = whole_rows(broken)
        kill_at(broken, number)
        after = whole_rows(broken)
        assert after[: len(before)] == before, "finished rows are kept"
        assert number <= len(after) < 16

    last = run_bench(*SELECTION, "--output", broken)
    assert last.returncode == 0, last.stderr
    rows = whole_rows(broken)
    assert rows[: len(after)] == after
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys)) == 16, "each case is finished once"
    uninterrupted = {row["key"]: row for row in whole_rows(tmp_path / "straight")}
    for row in rows:
        assert {name: row[name] for name in COMPARED} == {name: uninterrupted[row["key"]][name] for name in COMPARED}
    assert (broken / "reports" / "index.html").exists()
