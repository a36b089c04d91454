"""The scatter benchmark runs and compares like with like; its times are judged when it is run on purpose."""

from bokehbench.benchmarks.kernels.bench_classical_scatter import KERNELS, compare, format_table, measure_interleaved


def test_compares_kernels_that_agree():
    rows = compare(size=24, largest_px=6.0, repeats=1)
    assert set(rows) == set(KERNELS)
    assert rows["spans"]["ratio"] == 1.0
    assert all(row["seconds"] > 0 and row["difference"] < 1e-4 for row in rows.values())
    assert "tabulated" in format_table(24, 6.0, rows)


def test_interleaves_the_calls():
    order = []
    measured = measure_interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3)
    assert order == ["a", "b"] * 3
    assert {name: len(runs) for name, runs in measured.items()} == {"a": 3, "b": 3}
