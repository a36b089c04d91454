"""How much faster the span kernel of the classical renderer is than direct loops, on the same threads.

Run it alone on an idle machine (about five minutes on two cores, nearly all of it in the literal loop):

    python -m pytest benchmarks/kernels/bench_classical_scatter.py --benchmark-only

``BENCH_SIZE`` (px, default 1024) and ``BENCH_REPEATS`` (default 3) make it smaller or surer. Ratios are of medians over
interleaved repeats. A missed target is printed beside the ratio, not raised: times depend on the machine.
"""

import math
import os
import statistics
from collections.abc import Callable
from functools import partial

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bokehbench.benchmarks.kernels.direct_scatter import scatter_direct, scatter_tabulated
from bokehbench.benchmarks.run.measure import Measured, measure
from bokehbench.renderers.classical.cpu.spans import scatter_spans

SIZE = int(os.environ.get("BENCH_SIZE", "1024"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))

KERNELS = {"spans": scatter_spans, "tabulated": scatter_tabulated, "literal": scatter_direct}

TARGETS = {
    4: {"literal": 1, "tabulated": 1},
    32: {"literal": 80, "tabulated": 5},
    64: {"literal": 120, "tabulated": 10},
}
"""Largest radius in px -> kernel -> how many times its time the span kernel's should fit into."""


def two_planes(size: int, largest_px: float) -> tuple[Tensor, Tensor]:
    """Return noise (3,size,size), its left half in focus, its right half blurred by the largest radius."""
    linear = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    radius_px = torch.zeros(size, size)
    radius_px[:, size // 2 :] = largest_px
    return linear, radius_px


def measure_interleaved(calls: dict[str, Callable[[], Tensor]], repeats: int) -> dict[str, list[Measured[Tensor]]]:
    """Measure each call once per round, so that all of them meet the same load."""
    measured: dict[str, list[Measured[Tensor]]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            measured[name].append(measure(call, torch.device("cpu")))
    return measured


def compare(size: int, largest_px: float, repeats: int) -> dict[str, dict[str, float]]:
    """Return median seconds, ratio to the span kernel, peak memory in MB, largest difference from the literal loop."""
    tiny, scene = two_planes(8, 2.0), two_planes(size, largest_px)
    for kernel in KERNELS.values():
        kernel(*tiny)  # compiles
    measured = measure_interleaved({name: partial(kernel, *scene) for name, kernel in KERNELS.items()}, repeats)
    seconds = {name: statistics.median(one.seconds for one in runs) for name, runs in measured.items()}
    expected = measured["literal"][0].result
    return {
        name: {
            "seconds": seconds[name],
            "ratio": seconds[name] / seconds["spans"],
            "peak_mb": max(math.nan if one.peak_memory_mb is None else one.peak_memory_mb for one in runs),
            "difference": float((runs[0].result - expected).abs().max()),
        }
        for name, runs in measured.items()
    }


def format_table(size: int, largest_px: float, rows: dict[str, dict[str, float]]) -> str:
    """Return the comparison as lines of text."""
    image_mb = 12 * size * size / 2**20
    lines = [
        f"two planes {size}x{size}, largest radius {largest_px:g} px, {torch.get_num_threads()} threads, "
        f"one image is {image_mb:.0f} MB",
        f"{'kernel':>10} {'seconds':>9} {'x spans':>8} {'target':>7} {'peak MB':>8} {'difference':>11}",
    ]
    for name, row in rows.items():
        target = TARGETS.get(int(largest_px), {}).get(name)
        wanted = "" if target is None else f">= {target}"
        cost = f"{row['seconds']:9.3f} {row['ratio']:8.1f} {wanted:>7} {row['peak_mb']:8.0f}"
        lines.append(f"{name:>10} {cost} {row['difference']:11.1e}")
    return "\n".join(lines)


@pytest.mark.parametrize("largest_px", TARGETS)
def test_spans_against_direct_loops(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], largest_px: int
) -> None:
    rows = compare(SIZE, largest_px, REPEATS)
    with capsys.disabled():
        print("\n" + format_table(SIZE, largest_px, rows))
    benchmark.extra_info.update(rows)
    scene = two_planes(SIZE, largest_px)
    benchmark.pedantic(lambda: scatter_spans(*scene), rounds=REPEATS)
    assert max(row["difference"] for row in rows.values()) < 1e-4


@pytest.mark.parametrize("radius_px", [64, 5000])
def test_memory_at_large_radii(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], radius_px: int) -> None:
    scene = torch.rand(3, SIZE // 4, SIZE // 4), torch.full((SIZE // 4, SIZE // 4), float(radius_px))
    scatter_spans(*scene)
    peak_mb = measure(lambda: scatter_spans(*scene), torch.device("cpu")).peak_memory_mb
    with capsys.disabled():
        print(f"\nradius {radius_px} px on {SIZE // 4}x{SIZE // 4}: peak {peak_mb:.1f} MB")
    benchmark.pedantic(lambda: scatter_spans(*scene), rounds=REPEATS)
