"""Kills a run at random moments, gives the same command again, and looks for what is lost, done twice or left over."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from tqdm import tqdm

from bokehbench.core.atomic_files import SUFFIX
from bokehbench.core.files import sha256_of

from .child import ROOT

SELECTION = ["--renderers", "identity,classical", "--datasets", "synbokeh-mini", "--metrics", "psnr"]
CASES = 32
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGEST_S = 6.0


def kill_and_resume(count: int, seed: int, home: Path) -> int:
    """End runs ``count`` times, mostly by SIGKILL; begin a new one whenever one came to its end."""
    rng = Random(seed)  # noqa: S311
    number, problems, codes = 0, [], Counter()
    command = [sys.executable, str(ROOT / "run_bench.py"), *SELECTION, "--output"]
    for kill in tqdm(range(count), unit="kill"):
        output = home / str(number)
        before = read_parts(output)
        process = subprocess.Popen(
            [*command, str(output)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        wait_for_a_moment(process, output, len(before), rng)
        ending = rng.choice(SIGNALS)
        process.send_signal(ending)
        _, said = process.communicate(timeout=120)
        codes[process.returncode] += 1
        where = f"kill {kill}, {ending.name}"
        if "Traceback" in said and ending != signal.SIGKILL:
            problems.append(f"{where}: {said[-300:]}")
        after = read_parts(output)
        if after[: len(before)] != before:
            problems.append(f"{where}: finished rows are lost")
        if process.returncode == 0:
            problems += check_finished(output, where)
            number += 1
    subprocess.run([*command, str(home / str(number))], capture_output=True, check=False, cwd=ROOT)
    problems += check_finished(home / str(number), "the last run")
    print(f"{count} signals on {number + 1} runs; exit codes {dict(codes)}; {len(problems)} problems")
    print("\n".join(problems))
    return 1 if problems else 0


def wait_for_a_moment(process: subprocess.Popen[str], output: Path, rows: int, rng: Random) -> None:
    """Wait for a random time, mostly from when the run begins to render."""
    deadline = time.monotonic() + 60.0
    if rng.random() < 0.8:
        while process.poll() is None and len(read_parts(output)) <= rows and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.6)
    else:
        time.sleep(rng.random() * LONGEST_S)


def read_parts(output: Path) -> list[bytes]:
    """Return the whole lines of the rows that are stored."""
    path = output / "results/default/rows-00000.jsonl"
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def check_finished(output: Path, where: str) -> list[str]:
    """Return what is wrong with a run that came to its end."""
    run = output / "results/default"
    rows = [json.loads(line) for line in read_parts(output)]
    times = Counter(row["key"] for row in rows)
    problems = [f"{where}: {key} was finished {count} times" for key, count in times.items() if count > 1]
    if len(times) != CASES or any(row["status"] != "ok" for row in rows):
        problems.append(f"{where}: expected {CASES} cases ok, got {Counter(row['status'] for row in rows)}")
    named = {row["image"]: row["image_sha256"] for row in rows}
    there = {path.relative_to(run).as_posix(): sha256_of(path) for path in run.glob("images/**/*.png")}
    if named != there:
        problems.append(f"{where}: {len(there)} pictures are there, {len(named)} in rows, or they differ")
    left = [str(path) for path in output.rglob("*") if SUFFIX in path.name]
    if left:
        problems.append(f"{where}: temporary files are left: {left[:3]}")
    return problems
