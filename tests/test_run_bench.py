"""The command line as a user meets it: its exit code and what it prints; two mistakes as processes of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def start_run_bench(*arguments, **options):
    command = [sys.executable, ROOT / "run_bench.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


LIGHT = """
import runpy, sys
sys.argv = ["run_bench.py", *sys.argv[1:]]
try:
    runpy.run_path({script!r}, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "numba", "pandas", "matplotlib", "diffusers", "scipy"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("option", ["--help", "--list"])
def test_help_and_list_import_nothing_heavy(option):
    program = LIGHT.format(script=str(ROOT / "run_bench.py"))
    done = subprocess.run([sys.executable, "-c", program, option], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_teaches(run_bench):
    text = run_bench("--help").stdout
    assert "examples:" in text
    assert "Exit code" in text


def test_list_names_everything(run_bench):
    done = run_bench("--list")
    assert done.returncode == 0
    for name in ("identity", "classical", "synbokeh-mini", "motorcycle", "psnr", "lpips-alex"):
        assert re.search(rf"^  {name} +\S", done.stdout, re.MULTILINE), name


def test_latency_writes_a_page_and_exits_0(tmp_path, run_bench):
    grid = ["--sizes", "32,48x32", "--radii", "2"]
    done = run_bench("--latency", "--renderers", "identity", *grid, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 measurements ok. Report: " in done.stdout
    page = tmp_path / "reports" / "default" / "latency.html"
    assert "48x32" in page.read_text(encoding="utf-8")
    assert "default/latency.html" in (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    page.unlink()
    again = run_bench("--report-only", "--output", tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert page.is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--renderers", "clasical"], "unknown renderer 'clasical'. Did you mean classical"),
        (["--renderers", "classical@x"], "has no weights to choose"),
        (["--renderers", ","], "expected at least one name"),
        (
            ["--datasets", "synbokeh"],
            "unknown data set 'synbokeh'. Did you mean synbokeh300, synbokeh-mini or synbokeh-subject?",
        ),
        (["--metrics", "pnsr"], "unknown metric 'pnsr'. Did you mean psnr"),
        (["--limit", "0"], "expected a whole number above 0, got '0'"),
        (["--limit", "many"], "expected a whole number above 0"),
        (["--seed", "x"], "expected a whole number from 0"),
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
        (
            ["--reference", "identiti"],
            "--reference identiti: expected one of identity, classical, "
            "classical-occlusion, bokehdiff. Did you mean identity?",
        ),
        (["--sizes", "64"], "only with --latency"),
        (["--latency", "--sizes", "64x"], "expected N or WxH, each a whole number above 0, got '64x'"),
        (["--latency", "--more-sizes", "64"], "expected RENDERER=SIZE, got '64'"),
        (["--latency", "--radii", "0"], "expected numbers above 0, got '0'"),
        (["--latency", "--robustness"], "--robustness has no meaning with --latency: leave it out"),
        (["--latency", "--renderers", "classica"], "Did you mean classical"),
        (["--latency", "--datasets", "synbokeh-mini"], "--datasets has no meaning with --latency"),
        (["--latency", "--metrics", "psnr"], "--metrics has no meaning with --latency"),
        (["--latency", "--limit", "1"], "--limit has no meaning with --latency"),
        (["--latency", "--seed", "0"], "--seed has no meaning with --latency"),
        (["--latency", "--reference", "classical"], "--reference has no meaning with --latency"),
        (["--latency", "--weights", "."], "--weights has no meaning with --latency"),
        (["--latency", "--data-root", "."], "--data-root has no meaning with --latency"),
        (["--bogus"], "unrecognized arguments: --bogus (see --help)"),
        (
            ["--datasest=x"],
            "arguments: --datasest=x. Did you mean --datasets or --data-root? (see --help)",
        ),
        (["--robustness", "--perturbations", "shft"], "unknown perturbation 'shft'. Did you mean shift?"),
        (["--renderers", "bokehdiff-t248@x"], "unknown renderer 'bokehdiff-t248'. Did you mean bokehdiff-t249"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, run_bench, arguments, message):
    (tmp_path / "file").write_text("")
    arguments = [argument.format(file=tmp_path / "file") for argument in arguments]
    if "--output" not in arguments:
        arguments += ["--output", tmp_path]
    done = run_bench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "reports").exists()


def test_report_in_the_way_is_one_line(tmp_path, run_bench):
    (tmp_path / "reports").write_text("mine")
    done = run_bench("--renderers", "identity", "--output", tmp_path)
    assert done.returncode == 2
    assert "reports is a file, expected a folder" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "results").exists(), "said before anything is rendered"


@pytest.mark.parametrize("arguments", [[], ["--latency"]])
def test_folder_of_something_else_is_refused_before_anything_is_rendered(tmp_path, run_bench, arguments):
    (tmp_path / "reports" / "thesis").mkdir(parents=True)
    (tmp_path / "reports" / "thesis" / "mine.tex").write_text("mine")
    done = run_bench("--renderers", "identity", *arguments, "--run", "thesis", "--output", tmp_path)
    assert done.returncode == 2
    assert "holds files that no report made" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "0"], "expected a whole number above 0, got '0'"),  # argparse's
        (["--renderers", "clasical"], "unknown renderer 'clasical'. Did you mean classical"),  # ours
    ],
)
def test_mistakes_end_the_process_with_one_line_and_code_2(tmp_path, arguments, message):
    done = start_run_bench(*arguments, "--output", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not done.stdout
    assert not (tmp_path / "reports").exists()


def test_absent_cuda_is_one_line(tmp_path):
    done = start_run_bench("--device", "cuda", "--output", tmp_path, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 2
    assert "sees no CUDA device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_not_installed_is_one_line(tmp_path):
    """Without the package (-S skips site-packages), the script says how to install it."""
    done = subprocess.run([sys.executable, "-S", ROOT / "run_bench.py"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pip install -c constraints.txt -e ." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
