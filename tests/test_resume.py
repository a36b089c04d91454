"""``kill -9`` at ten random moments, then the same command: nothing finished is lost or made twice."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KILLS = 10
SELECTION = ["--renderers", "identity,classical", "--datasets", "synbokeh-mini", "--metrics", "psnr", "--limit", "15"]
COMPARED = ("key", "status", "metrics", "image", "image_sha256", "weights")


def start(output: Path) -> subprocess.Popen:
    command = [sys.executable, ROOT / "run_bench.py", *SELECTION, "--output", output]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def whole_rows(output: Path) -> list[dict]:
    path = output / "results" / "default" / "rows-00000.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def kill_after(output: Path, rows: int, moment: float) -> None:
    """Start the command, let it finish that many rows in all and go on for a moment, then kill it."""
    process = start(output)
    try:
        while process.poll() is None and len(whole_rows(output)) < rows:
            time.sleep(0.005)
        time.sleep(moment)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_ten_kills_cost_nothing_that_was_finished(tmp_path):
    straight = start(tmp_path / "straight")
    assert straight.wait(timeout=600) == 0, straight.stderr.read()

    broken = tmp_path / "broken"
    rng = random.Random(0)  # noqa: S311 - moments, not secrets
    for number in range(KILLS):
        before = whole_rows(broken)
        kill_after(broken, 2 + 2 * number, rng.uniform(0.0, 0.15))
        assert whole_rows(broken)[: len(before)] == before, "finished rows are kept"

    last = start(broken)
    assert last.wait(timeout=600) == 0, last.stderr.read()
    rows = whole_rows(broken)
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys)) == 30, "each case is finished once"
    uninterrupted = {row["key"]: row for row in whole_rows(tmp_path / "straight")}
    for row in rows:
        assert {name: row[name] for name in COMPARED} == {name: uninterrupted[row["key"]][name] for name in COMPARED}
    assert (broken / "reports" / "index.html").exists()
