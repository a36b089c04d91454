"""The command line as a user meets it: a process, its exit code and what it prints."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run_bench(*arguments, **options):
    command = [sys.executable, ROOT / "run_bench.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_teaches_and_is_instant():
    start = time.perf_counter()
    done = run_bench("--help")
    seconds = time.perf_counter() - start
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "Exit code" in done.stdout
    assert seconds < 5, "0.05 s on an idle machine; torch must not be imported for this"


def test_list_names_everything():
    done = run_bench("--list")
    assert done.returncode == 0
    for name in ("identity", "classical", "synbokeh-mini", "motorcycle", "psnr", "lpips-alex"):
        assert re.search(rf"^  {name} +\S", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--renderers", "clasical"], "unknown renderer 'clasical'. Did you mean classical"),
        (["--renderers", "classical@x"], "has no weights to choose"),
        (["--renderers", ","], "expected at least one name"),
        (["--datasets", "synbokeh"], "unknown data set 'synbokeh'. Did you mean synbokeh-mini"),
        (["--metrics", "pnsr"], "unknown metric 'pnsr'. Did you mean psnr"),
        (["--limit", "0"], "expected a whole number above 0, got '0'"),
        (["--limit", "many"], "expected a whole number above 0"),
        (["--seed", "x"], "invalid int value"),
        (["--device", "toaster"], "expected cpu, cuda or cuda:N"),
        (["--dtype", "float7"], "invalid choice"),
        (["--run", "../escape"], "--run '../escape'"),
        (["--device", "mps"], "expected cpu, cuda or cuda:N"),
        (["--fresh", "--report-only"], "not allowed with argument"),
        (["--severities", "-4,4"], "only with --robustness"),
        (["--robustness", "--severities", "-4,x"], "expected comma-separated numbers, got '-4,x'"),
        (["--weights", "/nowhere/at/all"], "no such folder"),
        (["--output", "{file}"], "is a file, expected a folder"),
        (["--report-only"], "no run is stored here"),
        (["--compare", "../a", "b"], "--run '../a'"),
        (["--compare", "default", "b"], "no run is stored here"),
        (["--reference", "identiti"], "--reference identiti: expected one of identity, classical"),
        (["--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, arguments, message):
    (tmp_path / "file").write_text("")
    arguments = [argument.format(file=tmp_path / "file") for argument in arguments]
    if "--output" not in arguments:
        arguments += ["--output", tmp_path]
    done = run_bench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "reports").exists()


def test_absent_cuda_is_one_line(tmp_path):
    done = run_bench("--device", "cuda", "--output", tmp_path, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 2
    assert "sees no CUDA device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_not_installed_is_one_line(tmp_path):
    """Without the package (-S skips site-packages), the script says how to install it."""
    done = subprocess.run([sys.executable, "-S", ROOT / "run_bench.py"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pip install -c constraints.txt -e ." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
