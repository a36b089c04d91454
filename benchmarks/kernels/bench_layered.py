"""How much faster the layered rendering of Defocus to Focus is than direct depthwise convolutions, on the same threads.

Run it alone on an idle machine (about a minute on two cores):

    python -m pytest benchmarks/kernels/bench_layered.py --benchmark-only -s

``BENCH_SIZE`` (px, default 512) and ``BENCH_REPEATS`` (default 3) make it smaller or surer. Ratios are of medians over
interleaved repeats; processor times, which other programs disturb less, are the least of each. A missed target is
printed beside the ratio, not raised: times depend on the machine.
"""

import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bokehbench.benchmarks.kernels.direct_layers import paint_directly
from bokehbench.benchmarks.run.measure import measure
from bokehbench.renderers.defocus_to_focus.layered import paint_by_transforms, paint_layers
from bokehbench.renderers.defocus_to_focus.layering import Layering

SIZE = int(os.environ.get("BENCH_SIZE", "512"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))

KERNELS = {"compiled": paint_layers, "transforms": paint_by_transforms, "direct": paint_directly}
TARGET_SECONDS, TARGET_RATIO = 0.15, 20.0
"""Of the compiled kernel at 512x512 on two cores; against the direct convolutions."""


def make_defocus(kind: str, size: int) -> Tensor:
    """Return defocus (1,1,size,size): two planes, a ramp over all layers, or noise, which no layer is free of."""
    if kind == "planes":
        return torch.where(torch.arange(size) < size // 2, 0.0, 1.0).expand(1, 1, size, size).contiguous()
    if kind == "ramp":
        return torch.linspace(0.0, 1.0, size).expand(1, 1, size, size).contiguous()
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["planes", "ramp", "noise"])
def test_layers(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    # Weighted colours and the weights of each channel: what a picture with saturated pixels needs.
    values = torch.rand(1, 6, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    defocus, layering = make_defocus(kind, SIZE), Layering()
    calls: dict[str, Callable[[], Tensor]] = {
        name: partial(kernel, values, defocus, layering) for name, kernel in KERNELS.items()
    }
    calls["compiled"]()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    results: dict[str, Tensor] = {}
    for _ in range(REPEATS):
        for name, call in calls.items():
            started = time.process_time()
            measured = measure(call, torch.device("cpu"))
            processor[name].append(time.process_time() - started)
            seconds[name].append(measured.seconds)
            results[name] = measured.result
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    differences = {name: float((result - results["direct"]).abs().max()) for name, result in results.items()}
    with capsys.disabled():
        print(
            f"\n{kind} {SIZE}x{SIZE}, {torch.get_num_threads()} threads; targets: {TARGET_SECONDS} s, {TARGET_RATIO}x"
        )
        for name in calls:
            ratio, took = medians["direct"] / medians[name], min(processor[name])
            busy = f"processor {took:.3f} s {min(processor['direct']) / took:5.1f}x"
            print(f"{name:>11} {medians[name]:8.3f} s {ratio:5.1f}x  {busy}  off by {differences[name]:.1e}")
    benchmark.extra_info.update({name: medians[name] for name in calls})
    benchmark.pedantic(calls["compiled"], rounds=REPEATS)
    assert max(differences.values()) < 1e-4
