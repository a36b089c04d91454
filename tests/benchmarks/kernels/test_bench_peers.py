"""The benchmark against other programs compares like with like, and says what it misses."""

import pytest

from bokehbench.benchmarks.kernels import bench_peers
from bokehbench.benchmarks.kernels.bench_peers import AGREEMENT, compare, find_gegl, format_row, make_scene


def test_a_python_without_gegl_is_not_used(monkeypatch):
    monkeypatch.setattr(bench_peers, "PYTHONS", ("no such program", "false"))
    assert find_gegl() is None


@pytest.mark.parametrize("kind", ["planes", "ramp x", "ramp y", "diagonal"])
def test_scenes_reach_from_sharp_to_the_largest_radius(kind):
    linear, radius_px = make_scene(kind, 16, 5.0)
    assert linear.shape == (3, 16, 16)
    assert (float(radius_px.min()), float(radius_px.max())) == (0.0, 5.0)


def test_gegl_renders_the_same_picture():
    python = find_gegl()
    if python is None:
        pytest.skip(bench_peers.MISSING)
    row = compare(python, "planes", 512, 8.0, repeats=1)
    assert row["difference"] < AGREEMENT
    assert row["ratio"] == row["gegl_seconds"] / row["seconds"] > 0
    assert "times as long as classical" in format_row("planes", 512, 8.0, row)
