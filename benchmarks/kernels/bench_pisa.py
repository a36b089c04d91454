"""How much faster and smaller PISA over pairs in reach is than over all pairs, on the same threads.

Run it alone on an idle machine (some ten minutes on two cores, nearly all of it in the dense reference):

    python -m pytest benchmarks/kernels/bench_pisa.py --benchmark-only -s

``BENCH_TOKENS`` (sides of the token grid, default "32,64,128"), ``BENCH_RADII`` (median radii in tokens of the circles
of confusion, default "2,4,8,full") and ``BENCH_REPEATS`` (default 3) make it smaller or surer. One line per case:
seconds and added memory of attention (10 heads x 64), forward, and seconds of visibility at one ray per pair; the dense
reference is given ln C and M, the fast path its plan. Times are medians over interleaved repeats, memory is the largest
of them. A dense case that needs more than ``BENCH_MEMORY_GB`` (default 8) is marked with what it needs, and not run.
"""

import dataclasses
import math
import os
import statistics
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bokehbench.benchmarks.run.measure import measure
from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import PairPlan, build_plan
from bokehbench.renderers.attention.reference import attend_dense, log_circle_dense
from bokehbench.renderers.attention.visibility import visibility_dense

SIDES = [int(side) for side in os.environ.get("BENCH_TOKENS", "32,64,128").split(",")]
RADII = [float(radius.replace("full", "inf")) for radius in os.environ.get("BENCH_RADII", "2,4,8,full").split(",")]
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
MEMORY_GB = float(os.environ.get("BENCH_MEMORY_GB", "8"))

HEADS, HEAD_SIZE, PITCH_PX = 10, 64, 16
CPU = torch.device("cpu")
TARGETS = "targets at 64x64, median radius 2-4: attention 40x, visibility 80x, memory 80x; training at hardness 3: 12x"


def smooth_scene(side: int, radius_tokens: float) -> TokenGeometry:
    """Return a smooth random scene whose median circle of confusion has that radius; inf reaches everywhere."""
    coarse = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    disparity = F.interpolate(coarse, (4 * side, 4 * side), mode="bicubic").clamp(0.0, 1.0)
    blur = (disparity - 0.5).abs()
    if math.isinf(radius_tokens):
        radius_px = torch.full_like(blur, 2.0 * side * PITCH_PX)
    else:
        radius_px = blur * (radius_tokens * PITCH_PX / float(blur.median()))
    geometry = TokenGeometry.from_maps(disparity, radius_px, (side, side))
    return dataclasses.replace(geometry, pitch_px=(float(PITCH_PX), float(PITCH_PX)))


def random_features(side: int) -> list[Tensor]:
    """Return q, k, v (1,heads,N,d) as views of projections, as a transformer layer has them."""
    generator = torch.Generator().manual_seed(1)
    shape = (1, side * side, HEADS, HEAD_SIZE)
    return [torch.randn(shape, generator=generator).transpose(1, 2) for _ in range(3)]


def run_interleaved(calls: dict[str, Callable[[], Any]]) -> dict[str, dict[str, Any]]:
    """Measure each call once per round, so that all meet the same load; memory is the largest of all rounds."""
    rounds = [{name: measure(call, CPU) for name, call in calls.items()} for _ in range(REPEATS)]
    return {
        name: {
            "seconds": statistics.median(one[name].seconds for one in rounds),
            "megabytes": max(one[name].peak_memory_mb or 0.0 for one in rounds),
            "result": rounds[0][name].result,
        }
        for name in calls
    }


def compare(side: int, radius_tokens: float) -> str:
    """Measure one case at inference hardness; return its line of the table."""
    geometry, features = smooth_scene(side, radius_tokens), random_features(side)
    physics = PisaPhysics(rays=1)
    plan = settled_plan(geometry, physics, features)
    calls: dict[str, Callable[[], Any]] = {
        "rays": lambda: build_plan(geometry, physics, headroom=plan.headroom).pairs,
        "fast": lambda: pisa_fast(*features, plan),
    }
    needed_gb = 4 * (2 * HEADS + 2) * side**4 / 1e9  # logits and weights of every head, ln C and M
    if needed_gb <= MEMORY_GB:
        log_circle = log_circle_dense(geometry, physics).float()
        visibility = visibility_dense(geometry, physics).float()
        calls["dense rays"] = lambda: visibility_dense(geometry, physics, dtype=torch.float32)
        calls["dense"] = lambda: attend_dense(*features, log_circle, visibility)
    with torch.no_grad():
        rows = run_interleaved(calls)
    name = f"{side:4d} x {side:<4d}{radius_tokens:6g} {len_pairs(plan):8.0f}"
    fast_mb = rows["fast"]["megabytes"] + plan.pairs.nbytes / 2**20
    ours = f"{name} | {rows['fast']['seconds']:8.3f} s {rows['rays']['seconds']:8.3f} s {fast_mb:8.0f} MB"
    if "dense" not in rows:
        return f"{ours} | dense infeasible: {needed_gb:.0f} GB"
    attention, rays = (rows[a]["seconds"] / rows[b]["seconds"] for a, b in (("dense", "fast"), ("dense rays", "rays")))
    memory = rows["dense"]["megabytes"] / max(fast_mb, 1.0)
    theirs = (
        f"{rows['dense']['seconds']:8.3f} s {rows['dense rays']['seconds']:8.3f} s {rows['dense']['megabytes']:8.0f} MB"
    )
    error = float((rows["fast"]["result"] - rows["dense"]["result"]).abs().max() / rows["dense"]["result"].abs().max())
    return f"{ours} | {theirs} | {attention:6.1f}x {rays:6.1f}x {memory:6.1f}x | {error:.0e}"


def compare_training(side: int, radius_tokens: float) -> str:
    """Measure forward and backward at the hardness that training starts from; return a line of text."""
    geometry, features = smooth_scene(side, radius_tokens), random_features(side)
    physics = PisaPhysics.from_profile("code", hardness=3.0, rays=1)
    plan = settled_plan(geometry, physics, features)
    log_circle = log_circle_dense(geometry, physics).float()
    visibility = visibility_dense(geometry, physics).float()
    leaves = [x.detach().requires_grad_() for x in features]
    rows = run_interleaved(
        {
            "fast": lambda: torch.autograd.grad(pisa_fast(*leaves, plan).square().sum(), leaves),
            "dense": lambda: torch.autograd.grad(attend_dense(*leaves, log_circle, visibility).square().sum(), leaves),
        }
    )
    fast, dense = rows["fast"], rows["dense"]
    fast_mb = fast["megabytes"] + plan.pairs.nbytes / 2**20
    return (
        f"{side} x {side}, radius {radius_tokens:g}, {len_pairs(plan):.0f} pairs/key, forward, backward at hardness 3: "
        f"{fast['seconds']:.3f} s {fast_mb:.0f} MB | dense {dense['seconds']:.3f} s {dense['megabytes']:.0f} MB | "
        f"{dense['seconds'] / fast['seconds']:.1f}x {dense['megabytes'] / fast_mb:.1f}x"
    )


def settled_plan(geometry: TokenGeometry, physics: PisaPhysics, features: list[Tensor]) -> PairPlan:
    """Return a plan after its first use, which compiles the kernels and may widen it."""
    plan = build_plan(geometry, physics)
    leaves = [x.detach().requires_grad_() for x in features]
    pisa_fast(*leaves, plan).sum().backward()
    return plan


def len_pairs(plan: PairPlan) -> float:
    """Return how many pairs per key are visited."""
    return plan.pairs.log_circle.size / plan.geometry.tokens


@pytest.mark.parametrize("radius_tokens", RADII)
@pytest.mark.parametrize("side", SIDES)
def test_pisa(benchmark: BenchmarkFixture, side: int, radius_tokens: float) -> None:
    line = benchmark.pedantic(compare, args=(side, radius_tokens), rounds=1)
    threads = torch.get_num_threads()
    print(f"\n{TARGETS}; {threads} threads")
    print("tokens     radius pairs/key | fast attention, plan, memory | dense attention, rays, memory | ratios | error")
    print(line)


@pytest.mark.parametrize("radius_tokens", [2.0, 4.0])
def test_pisa_training(benchmark: BenchmarkFixture, radius_tokens: float) -> None:
    print("\n" + benchmark.pedantic(compare_training, args=(min(64, max(SIDES)), radius_tokens), rounds=1))
