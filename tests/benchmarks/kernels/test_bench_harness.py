"""The harness benchmark runs; its times are judged when it is run on purpose."""

import itertools
from types import SimpleNamespace

from bokehbench.benchmarks.kernels import bench_harness
from bokehbench.benchmarks.kernels.bench_harness import METRICS, RENDERERS, format_table, time_cases, time_parts


def test_times_are_milliseconds_a_case_and_of_the_best_repeat(tmp_path, monkeypatch):
    """By a clock that goes on by 1, 2, 3, ... s from one reading to the next."""
    monkeypatch.setattr(bench_harness, "prepare_metrics", list)
    readings = itertools.accumulate(itertools.count(1))
    monkeypatch.setattr(bench_harness, "time", SimpleNamespace(perf_counter=lambda: next(readings)))
    cases = time_cases(32, 4, tmp_path / "run")
    assert cases == {name: 1000 * seconds / 4 for name, seconds in zip(RENDERERS, (2, 4, 6), strict=True)}
    assert len(list((tmp_path / "run").rglob("images/**/*.png"))) == 4 * len(RENDERERS)
    parts = time_parts(32, 2, tmp_path / "parts")
    assert list(parts.values()) == [1000 * seconds for seconds in (8, 12, 16, 20)]


def test_measures_cases_and_parts(tmp_path):
    cases = time_cases(32, 2, tmp_path / "run")
    parts = time_parts(32, 1, tmp_path / "parts")
    assert tuple(cases) == RENDERERS
    assert {"PNG", "record scene", *METRICS} <= set(parts)
    assert "psnr-edge" in format_table(32, cases, parts)
