"""A few mutations from end to end: the harness finds its way, and says what it found."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from bokehbench.core.files import write_json

from .fuzz.mutations import choose

ROOT = Path(__file__).resolve().parents[1]


def test_a_short_campaign_has_a_table_and_no_bad_end():
    command = [sys.executable, "-m", "tests.fuzz", "--count", "2", "--kind", "png, npy", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    head, *_, total = done.stdout.splitlines()
    assert head.split()[:3] == ["ok", "one", "line"]
    assert sum(int(word) for word in total.split()[1:] if word.isdigit()) == 2


@pytest.mark.parametrize("seed", range(40))
def test_a_mutation_is_its_seeds(tmp_path, seed):
    done = []
    for name in ("first", "second"):
        path = tmp_path / name / "mutated" / "scene.json"
        write_json(path, {"a": [1, {"b": 2.5}], "c": "text"})
        rng = Random(seed)  # noqa: S311
        what = choose(rng, path, inputs=True)(rng, path)
        found = next(iter((tmp_path / name).glob("*/scene.json")), None)
        done.append((what, found.read_bytes() if found and found.is_file() and not found.is_symlink() else None))
    assert done[0] == done[1]
