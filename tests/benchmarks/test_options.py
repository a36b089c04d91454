"""Mistakes that words alone show cost no import of PyTorch."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bokehbench.benchmarks.options import MODES, RUN, parse_options
from bokehbench.benchmarks.request import RunRequest
from bokehbench.core.errors import InvalidOptionError

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import run_bench

for arguments, expected in json.loads(sys.argv[2]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            code = run_bench.main(arguments)
        except SystemExit as end:
            code = end.code
    assert code == 2, (arguments, code)
    assert expected in said.getvalue(), said.getvalue()
    assert len(said.getvalue().strip().splitlines()) == 1, said.getvalue()
    heavy = {"torch", "numba", "pandas", "matplotlib", "diffusers", "scipy"} & set(sys.modules)
    assert not heavy, (arguments, heavy)
"""

MISTAKES = [
    (["--device", "toaster"], "--device 'toaster': expected cpu, cuda or cuda:N"),
    (["--latency", "--device", "mps"], "--device 'mps': expected cpu, cuda or cuda:N"),
    (["--renderers", "clasical"], "unknown renderer 'clasical'. Did you mean classical"),
    (["--datasets", "synbokeh"], "unknown data set 'synbokeh'"),
    (["--metrics", "pnsr"], "unknown metric 'pnsr'. Did you mean psnr"),
    (["--metrics", "all,pnsr"], "unknown metric 'pnsr'. Did you mean psnr"),
    (["--robustness", "--perturbations", "erodes"], "unknown perturbation 'erodes'. Did you mean erode"),
    (["--output", "{file}"], "is a file, expected a folder"),
    (["--run", "../escape"], "--run '../escape': expected letters"),
    (["--compare", "../a", "b"], "--run '../a': expected letters"),
    (["--weights", "/nowhere/at/all"], "--weights /nowhere/at/all: no such folder"),
    (["--check", "ebbb"], "unknown data set 'ebbb'"),
    (["--limit", "0"], "expected a whole number above 0, got '0'"),
    (["--limit", "99999999999999999999"], "--limit: expected at most 2147483647, got 99999999999999999999"),
    (["--limit", "9" * 5000], "--limit: expected at most 2147483647, got 999"),
    (["--seed", "9223372036854775808"], "--seed: expected at most 9223372036854775807, got 9223372036854775808"),
    (["--seed=-1"], "--seed: expected a whole number from 0, got '-1'"),
    (["--latency", "--sizes", "99999999999999999999x1"], "expected at most 2147483647, got 99999999999999999999"),
    (["--latency", "--more-sizes", "classical=2147483648"], "expected at most 2147483647, got 2147483648"),
    (["--latency", "--sizes", "512,5x"], "--sizes: expected N or WxH, each a whole number above 0, got '5x'"),
    (["--latency", "--sizes", "5x5x5"], "--sizes: expected N or WxH, each a whole number above 0, got '5x5x5'"),
    (
        ["--latency", "--more-sizes", "classical="],
        "--more-sizes: expected N or WxH, each a whole number above 0, got ''",
    ),
    (["--metric", "psnr", "--limt", "3"], "Did you mean --metrics for --metric and --limit for --limt?"),
    (["--compare", "a", "b", "--renderers", "identity"], "--renderers has no meaning with --compare: leave it out"),
    (["--check", "folder", "--limit", "1"], "--limit has no meaning with --check: leave it out"),
    (["--list", "--device", "cpu"], "has no meaning with --list: leave it out"),
    (["--export", "a.zip", "--metrics", "psnr"], "--metrics has no meaning with --export: leave it out"),
    (["--severities", "2"], "--severities has a meaning only with --robustness"),
    (["--report-only", "--limit", "1"], "--limit has no meaning with --report-only: leave it out"),
    (["--report-only", "--robustness"], "--robustness has no meaning with --report-only: leave it out"),
    (["--check", "folder", "--output", "."], "--output has no meaning with --check: leave it out"),
]


def test_mistakes_in_words_are_one_line_without_torch(tmp_path):
    (tmp_path / "file").write_text("")
    mistakes = [([word.format(file=tmp_path / "file") for word in words], said) for words, said in MISTAKES]
    mistakes = [
        (words if {"--output", "--check", "--list"} & {*words} else [*words, "--output", str(tmp_path)], said)
        for words, said in mistakes
    ]
    command = [sys.executable, "-c", PROGRAM, str(ROOT), json.dumps(mistakes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "results").exists()


def test_an_absent_data_folder_of_the_environment_refuses_no_command(tmp_path, monkeypatch):
    """Only data sets that need it ask for it."""
    monkeypatch.setenv("BOKEHBENCH_DATA", "/nowhere/at/all")
    assert parse_options([], tmp_path).data_root == Path("/nowhere/at/all")
    with pytest.raises(InvalidOptionError, match="--data-root /nowhere/at/all: no such folder"):
        parse_options(["--data-root", "/nowhere/at/all"], tmp_path)


def test_severities_may_begin_with_a_minus(tmp_path):
    assert parse_options(["--robustness", "--severities", "-4,4"], tmp_path).severities == [-4.0, 4.0]


VALUES = {
    "renderers": ["identity"],
    "datasets": ["synbokeh-mini"],
    "metrics": ["psnr"],
    "limit": ["1"],
    "device": ["cpu"],
    "dtype": ["float32"],
    "seed": ["0"],
    "output": ["."],
    "run": ["default"],
    "reference": ["classical"],
    "weights": ["."],
    "data_root": ["."],
    "perturbations": ["erode"],
    "severities": ["2"],
    "sizes": ["64"],
    "more_sizes": ["classical=64"],
    "radii": ["2"],
    "compare": ["a", "b"],
    "check": ["folder"],
    "export": ["a.zip"],
    "import_": ["a.zip"],
    "by": ["Ada"],
    **{name: [] for name in ("robustness", "latency", "fresh", "report_only", "list", "with_pictures")},
}
"""A value of every option."""


def words_of(option):
    return [f"--{option.rstrip('_').replace('_', '-')}", *VALUES[option]]


def is_taken(*options):
    try:
        parse_options([word for option in options for word in words_of(option)], ROOT)
    except (InvalidOptionError, SystemExit):  # argparse's, of two that exclude each other
        return False
    return True


@pytest.mark.parametrize("mode", ["", *MODES])
def test_each_mode_takes_what_the_table_says_and_nothing_else(mode, capsys):
    every = {field.name for field in fields(RunRequest) if field.metadata}
    assert VALUES.keys() == every
    useful = {*(MODES[mode] if mode else RUN)}
    assert useful <= every
    others = every - {mode} if mode else every - MODES.keys()
    assert {option for option in others if is_taken(*filter(None, (mode, option)))} == useful


def test_severities_are_what_the_report_writes(tmp_path):
    words = ["--robustness", "--severities", "1.0000000001,-2.34567891,1"]
    assert parse_options(words, tmp_path).severities == [1.0, -2.34568, 1.0]


@pytest.mark.parametrize("option", ["datasets", "metrics"])
def test_what_latency_does_not_use_is_refused_though_it_is_the_default(tmp_path, option):
    value = {"datasets": "synbokeh-mini", "metrics": "psnr"}[option]
    with pytest.raises(InvalidOptionError, match=f"--{option} has no meaning with --latency"):
        parse_options(["--latency", f"--{option}", value], tmp_path)


def test_the_largest_seed_is_taken(tmp_path):
    assert parse_options(["--seed", "9223372036854775807"], tmp_path).seed == 2**63 - 1
