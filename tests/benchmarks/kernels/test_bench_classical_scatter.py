"""The scatter benchmark runs and compares like with like; its times are judged when it is run on purpose."""

from bokehbench.benchmarks.kernels import bench_classical_scatter
from bokehbench.benchmarks.kernels.bench_classical_scatter import KERNELS, compare, format_table, measure_interleaved
from bokehbench.benchmarks.run.measure import Measured


def test_compares_kernels_that_agree():
    rows = compare(size=24, largest_px=6.0, repeats=1)
    assert set(rows) == set(KERNELS)
    assert rows["spans"]["ratio"] == 1.0
    assert all(row["difference"] < 1e-4 for row in rows.values())
    assert "tabulated" in format_table(24, 6.0, rows)


def test_times_are_medians_and_ratios_are_to_the_span_kernel(monkeypatch):
    runs = {name: iter((9.0, place, 0.1)) for place, name in enumerate(KERNELS, 2)}

    def measure(call, device):
        name = next(name for name, kernel in KERNELS.items() if kernel is call.func)
        return Measured(call(), next(runs[name]), None)

    monkeypatch.setattr(bench_classical_scatter, "measure", measure)
    rows = compare(size=8, largest_px=2.0, repeats=3)
    assert [row["seconds"] for row in rows.values()] == [*range(2, 2 + len(KERNELS))]
    assert {name: row["ratio"] for name, row in rows.items()} == {
        name: row["seconds"] / rows["spans"]["seconds"] for name, row in rows.items()
    }


def test_interleaves_the_calls():
    order = []
    measured = measure_interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3)
    assert order == ["a", "b"] * 3
    assert {name: len(runs) for name, runs in measured.items()} == {"a": 3, "b": 3}
