"""The harness benchmark runs; its times are judged when it is run on purpose."""

from bokehbench.benchmarks.kernels.bench_harness import METRICS, RENDERERS, format_table, time_cases, time_parts


def test_measures_cases_and_parts(tmp_path):
    cases = time_cases(32, 2, tmp_path / "run")
    parts = time_parts(32, 1, tmp_path / "parts")
    assert tuple(cases) == RENDERERS
    assert {"PNG", "record scene", *METRICS} <= set(parts)
    assert min(*cases.values(), *parts.values()) > 0
    assert "psnr-edge" in format_table(32, cases, parts)
