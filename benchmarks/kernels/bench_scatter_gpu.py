"""The scatters on a CUDA device: span kernel, literal atomic kernel, PyTorch's offsets. Needs Triton and a GPU.

Run it alone on an idle GPU (about a minute):

    python -m pytest benchmarks/kernels/bench_scatter_gpu.py --benchmark-only -s

``BENCH_SIZE`` (px, default 1024) and ``BENCH_REPEATS`` (default 20) change it. Times are between device events, medians
over interleaved repeats after a warm-up. Every kernel is held against the definition in float64 on a small picture
first. Without Triton or a GPU it is skipped, and says which is missing.
"""

import os
import statistics
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

pytest.importorskip("triton", reason="needs Triton, which comes with PyTorch's CUDA builds")

import triton
import triton.language as tl

from bokehbench.benchmarks.run.measure import BYTES_PER_MB
from bokehbench.renderers.classical.device.offsets import scatter_on_device
from bokehbench.renderers.classical.device.triton_spans import _rim, scatter_triton
from bokehbench.renderers.classical.reference import scatter_reference

SIZE = int(os.environ.get("BENCH_SIZE", "1024"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "20"))
RADII_PX = (4.0, 32.0, 64.0)
TOLERANCE = 1e-4
BLOCK = 128


@triton.jit
def _add_pixels(linear, radius_px, sums, height, width, reach, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Add row y + dy of BLOCK pixels' discs to ``sums``, (4,H,W) float32, pixel by pixel, as the definition reads."""
    dy = tl.program_id(1) - reach
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < height * width
    y, x = pixel // width, pixel % width
    r = tl.load(radius_px + pixel, mask=inside, other=0.0)
    window = tl.floor(r).to(tl.int32) + 1
    row = y + dy
    drawn = inside & (tl.abs(dy) <= window) & (row >= 0) & (row < height)
    area = height * width
    scale = 1.0 / (r * r + 0.2)
    red = tl.load(linear + pixel, mask=inside, other=0.0)
    green = tl.load(linear + area + pixel, mask=inside, other=0.0)
    blue = tl.load(linear + 2 * area + pixel, mask=inside, other=0.0)
    far = tl.max(tl.where(drawn, window, -1), axis=0)
    for dx in range(-far, far + 1):
        distance_px = tl.sqrt((dx * dx + dy * dy).to(tl.float32))
        weight = scale * _rim(distance_px, r)
        active = drawn & (tl.abs(dx) <= window) & (x + dx >= 0) & (x + dx < width)
        target = sums + row * width + x + dx
        tl.atomic_add(target, weight * red, mask=active, sem="relaxed")
        tl.atomic_add(target + area, weight * green, mask=active, sem="relaxed")
        tl.atomic_add(target + 2 * area, weight * blue, mask=active, sem="relaxed")
        tl.atomic_add(target + 3 * area, weight, mask=active, sem="relaxed")


def scatter_literal(linear: Tensor, radius_px: Tensor) -> Tensor:
    """Spread every pixel over its disc by one atomic addition a pixel and channel, in float32: not deterministic."""
    height, width = radius_px.shape
    reach = int(radius_px.max()) + 1
    sums = torch.zeros(4, height, width, device=linear.device)
    grid = (triton.cdiv(height * width, BLOCK), 2 * reach + 1)
    _add_pixels[grid](linear.contiguous(), radius_px.contiguous(), sums, height, width, reach, BLOCK)
    return sums[:3] / sums[3]


KERNELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "spans": scatter_triton,
    "literal": scatter_literal,
    "offsets": scatter_on_device,
}


def make_maps(kind: str, size: int, largest_px: float, device: str) -> tuple[Tensor, Tensor]:
    """Return noise (3,size,size) with two planes of radius 0 and the largest, or a ramp between them."""
    linear = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    ramp = torch.linspace(0.0, largest_px, size, device=device).repeat(size, 1)
    return linear, (ramp > largest_px / 2) * largest_px if kind == "planes" else ramp


def find_errors(size: int, largest_px: float, device: str) -> dict[str, float]:
    """Return each kernel's largest error against the definition in float64."""
    linear, radius_px = make_maps("ramp", size, largest_px, device)
    truth = scatter_reference(linear.double(), radius_px.double())
    return {name: float((kernel(linear, radius_px) - truth).abs().max()) for name, kernel in KERNELS.items()}


def time_kernels(kind: str, size: int, largest_px: float, repeats: int) -> dict[str, dict[str, float]]:
    """Return each kernel's median ms and peak MiB on the current CUDA device."""
    maps = make_maps(kind, size, largest_px, "cuda")
    times: dict[str, list[float]] = {name: [] for name in KERNELS}
    peaks = {}
    for name, kernel in KERNELS.items():
        kernel(*maps)  # compiles
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        kernel(*maps)
        peaks[name] = (torch.cuda.max_memory_allocated() - before) / BYTES_PER_MB
    for _ in range(repeats):
        for name, kernel in KERNELS.items():
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            kernel(*maps)
            end.record()
            torch.cuda.synchronize()
            times[name].append(begin.elapsed_time(end))
    return {name: {"ms": statistics.median(times[name]), "mib": peaks[name]} for name in KERNELS}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["planes", "ramp"])
@pytest.mark.parametrize("largest_px", RADII_PX)
def test_scatters_on_the_gpu(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], kind: str, largest_px: float
) -> None:
    errors = find_errors(96, min(largest_px, 24.0), "cuda")
    assert errors["spans"] <= TOLERANCE
    times = time_kernels(kind, SIZE, largest_px, REPEATS)
    maps = make_maps(kind, SIZE, largest_px, "cuda")
    assert torch.equal(scatter_triton(*maps), scatter_triton(*maps)), "the same bits each time"
    with capsys.disabled():
        print(f"\n{torch.cuda.get_device_name()}, {kind} {SIZE}x{SIZE}, largest radius {largest_px:g} px")
        for name, row in times.items():
            ratio = row["ms"] / times["spans"]["ms"]
            print(
                f"{name:>10} {row['ms']:9.3f} ms {ratio:8.1f} x spans {row['mib']:8.0f} MiB, error {errors[name]:.1e}"
            )
    benchmark.extra_info.update(times)
    benchmark.pedantic(_scatter_and_wait, maps, rounds=REPEATS)


def _scatter_and_wait(linear: Tensor, radius_px: Tensor) -> None:
    scatter_triton(linear, radius_px)
    torch.cuda.synchronize()
