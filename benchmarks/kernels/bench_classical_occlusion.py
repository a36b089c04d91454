"""What each step of the occlusion-aware renderer is worth, and how long it takes beside the plain scatter.

Quality, on path-traced scenes (default: the small ones in tests/data; more and larger ones come from
``python -m bokehbench.datasets.pathtraced --output DIR``):

    python -m pytest benchmarks/kernels/bench_classical_occlusion.py --benchmark-only -s

``BENCH_SCENES`` names another folder of scenes, ``BENCH_REPEATS`` (default 3) makes times surer. Times are minima over
interleaved repeats, the first rendering of a picture (separation of its surfaces included) and again.

The march alone against its definition pixel by pixel, interleaved, in one thread (``-k reference``), and the seconds of
each step of a render (``-k steps``), both on the scene of ``run_bench.py --latency`` at 512x512.

A whole render against another commit (``-k commit``): ``BENCH_COMMIT_PYTHON`` is the Python in which a checkout of it
is installed. Either renders the scene of ``run_bench.py --latency`` in processes of its own, by turns, BENCH_REPEATS
times five renders each, with torch's number of threads (``OMP_NUM_THREADS``).

``BENCH_DEVICE=cuda`` renders there. The targets are 1.5 s (512x512, 20 px) and 6 s (1024x1024, 32 px) on two CPU cores,
and 30 ms for 1024x1024 again on a GPU. The latter has not been measured: the rays are plain PyTorch operations, one
look of all rays at a time, and read and write memory many times where one kernel would not.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bokehbench.benchmarks.latency.scene import make_latency_scene
from bokehbench.core.timing import StageClock
from bokehbench.datasets.blb.files import read_blb_scene
from bokehbench.datasets.synthetic.photographs import load_photograph
from bokehbench.renderers.classical import occlusion
from bokehbench.renderers.classical.cpu.highlights import split_off
from bokehbench.renderers.classical.cpu.march import bin_shifts, lens_patterns, march_tiles
from bokehbench.renderers.classical.cpu.planes import empty_planes, lay_rows
from bokehbench.renderers.classical.cpu.reach import plan_tiles
from bokehbench.renderers.classical.march_reference import march_reference
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.classical.surfaces import edge_jump, same_surface_px, whole_pixels
from bokehbench.renderers.interface import Scene

SCENES = Path(os.environ.get("BENCH_SCENES", Path(__file__).resolve().parents[2] / "tests/data/pathtraced"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))

DEVICE = os.environ.get("BENCH_DEVICE", "cpu")

STEPS: dict[str, dict[str, Any]] = {
    "all steps": {},
    "no matting": {"split_edges": whole_pixels},
    "no completion": {"complete_background": lambda surfaces: surfaces},
    "no highlights": {"split_off": partial(split_off, largest_share=0.0)},
}
"""What takes the place of a step of the renderer."""


def psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    return -10.0 * float(np.log10(float(((one.clamp(0, 1) - other.clamp(0, 1)) ** 2).mean())))


def test_worth_of_each_step(benchmark: BenchmarkFixture) -> None:
    folders = sorted(path.parent for path in SCENES.glob("*/info.json"))
    scenes = [read_blb_scene(folder, 0, focus) for folder in folders for focus in (0, 1)]
    print()
    for name, steps in {"classical": {}, **STEPS}.items():
        renderer = ScatterRenderer() if name == "classical" else OcclusionRenderer()
        with ExitStack() as replaced:
            for step, replacement in steps.items():
                replaced.enter_context(mock.patch.object(occlusion, step, replacement))
            renderer.prepare(DEVICE)
            values = [psnr(renderer.render(scene).cpu(), scene.target) for scene in scenes]
        print(f"{name:20s} {np.mean(values):6.2f} dB  " + " ".join(f"{value:5.1f}" for value in values))
    benchmark.pedantic(renderer.render, args=(scenes[0],), rounds=1)


def three_discs(size: int, largest_px: float) -> Scene:
    """A photograph on a tilted plane with three discs in front of it."""
    y, x = np.mgrid[0:size, 0:size] / size
    disparity = 0.1 + 0.25 * y
    for down, across, radius, value in ((0.3, 0.3, 0.18, 0.6), (0.6, 0.7, 0.2, 0.8), (0.55, 0.35, 0.12, 1.0)):
        disparity[(y - down) ** 2 + (x - across) ** 2 < radius * radius] = value
    photograph = torch.from_numpy(load_photograph("astronaut").copy()).permute(2, 0, 1).float() / 255.0
    image = torch.nn.functional.interpolate(photograph[None], (size, size), mode="bilinear")[0]
    depth = torch.from_numpy(disparity.astype(np.float32))[None]
    return Scene(name="discs", image=image, disparity=depth, focus_disparity=0.35, blur_strength=largest_px / 0.65)


@pytest.mark.parametrize(("size", "largest_px"), [(512, 20.0), (1024, 32.0)])
def test_time(benchmark: BenchmarkFixture, size: int, largest_px: float) -> None:
    scene, plain = three_discs(size, largest_px), ScatterRenderer()
    plain.prepare(DEVICE)
    seconds: dict[str, list[float]] = {"plain scatter": [], "first": [], "again": []}
    for _ in range(REPEATS):
        renderer = OcclusionRenderer()
        renderer.prepare(DEVICE)
        for name, one in (("plain scatter", plain), ("first", renderer), ("again", renderer)):
            start = time.perf_counter()
            one.render(scene).cpu()  # waits for the device
            seconds[name].append(time.perf_counter() - start)
    best = {name: min(times) for name, times in seconds.items()}
    print(f"\n{size} px, radius {largest_px:g}: {best} s, {DEVICE}, {torch.get_num_threads()} CPU threads")
    benchmark.pedantic(renderer.render, args=(scene,), rounds=1)


@pytest.mark.parametrize("radius_px", [8.0, 32.0])
def test_steps(benchmark: BenchmarkFixture, radius_px: float) -> None:
    scene, renderer = make_latency_scene(512, 512, radius_px), OcclusionRenderer()
    renderer.prepare(DEVICE)
    best: dict[str, float] = {}
    for _ in range(REPEATS):
        renderer.forget()
        with StageClock(torch.device(DEVICE)) as clock:
            renderer.render(scene)
        seconds = clock.seconds()
        for name, value in {**seconds, "all": sum(seconds.values())}.items():
            best[name] = min(best.get(name, value), value)
    print(
        f"\n512 px, radius {radius_px:g}: " + ", ".join(f"{name} {value * 1e3:.0f} ms" for name, value in best.items())
    )
    benchmark.pedantic(renderer.render, args=(scene,), rounds=1)


@pytest.mark.parametrize("radius_px", [8.0, 32.0])
def test_march_against_reference(benchmark: BenchmarkFixture, radius_px: float) -> None:
    scene = make_latency_scene(512, 512, radius_px)
    picture, disparity = scene.image.permute(1, 2, 0).contiguous().numpy() ** scene.gamma, scene.disparity[0].numpy()
    surfaces = occlusion.complete_background(occlusion.split_edges(picture, disparity, edge_jump(disparity)))
    layers = np.stack([surfaces.front_disparity, surfaces.back_disparity], axis=2)
    defocus = np.float32(scene.blur_strength) * (layers - np.float32(scene.focus_disparity))
    plan, same_px = plan_tiles(defocus, surfaces.edges), np.float32(same_surface_px(surfaces.jump, scene.blur_strength))
    shifts, (lens, starts), rows = bin_shifts(plan.lowest, plan.blocks.shape[2]), lens_patterns(), len(plan.counts)
    planes, truth = empty_planes(512, 512), picture.copy()
    ours = np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0)  # as the renderer's

    def march() -> None:
        lay_rows(0, len(planes), surfaces.front, surfaces.back, defocus, planes)
        march_tiles(0, rows, planes, plan, shifts, same_px, lens, starts, surfaces.front, ours)

    def march_by_pixel() -> None:
        march_reference(surfaces.front, surfaces.back, defocus, same_px, plan, shifts, lens, starts, truth)

    seconds: dict[str, list[float]] = {"march": [], "reference": []}
    for repeat in range(REPEATS + 1):
        for name, run in (("march", march), ("reference", march_by_pixel)):
            start = time.perf_counter()
            run()
            if repeat:  # the first compiles
                seconds[name].append(time.perf_counter() - start)
    best = {name: min(times) for name, times in seconds.items()}
    print(f"\n512 px, radius {radius_px:g}: {best} s, {best['reference'] / best['march']:.1f} times faster")
    np.testing.assert_allclose(ours, truth, rtol=0, atol=1e-4)
    benchmark.pedantic(march, rounds=1)


ONE_SIDE = """
import importlib, json, sys, time, torch
for name in ("latency.scene", "latency_scene"):  # where commits keep it
    try:
        make_scene = importlib.import_module(f"bokehbench.benchmarks.{name}").make_latency_scene
        break
    except ModuleNotFoundError:
        continue
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
scene, renderer = make_scene(512, 512, float(sys.argv[1])), OcclusionRenderer()
renderer.prepare()
times = []
for repeat in range(6):
    renderer.forget()
    wall, processor = time.perf_counter(), time.process_time()
    renderer._render(scene, 0)
    times.append((time.perf_counter() - wall, time.process_time() - processor))
wall, processor = zip(*times[1:])
print(json.dumps({"wall": wall, "processor": processor, "threads": torch.get_num_threads()}))
"""
"""Renders in a process, six times, the first to warm up; prints seconds, wall and processor time of all threads."""


def measure_commit(python: str, radius_px: float) -> dict[str, Any]:
    run = [python, "-P", "-c", ONE_SIDE, str(radius_px)]
    done = subprocess.run(run, check=True, capture_output=True, text=True)  # noqa: S603 - the user's own Python
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.skipif(
    "BENCH_COMMIT_PYTHON" not in os.environ, reason="BENCH_COMMIT_PYTHON names no Python to compare with"
)
@pytest.mark.parametrize("radius_px", [8.0, 32.0])
def test_against_commit(benchmark: BenchmarkFixture, radius_px: float) -> None:
    sides = {"then": os.environ["BENCH_COMMIT_PYTHON"], "now": sys.executable}
    seconds: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in sides}
    for repeat in range(REPEATS + 1):
        for name, python in sides.items():
            measured = measure_commit(python, radius_px)
            for clock in ("wall", "processor") if repeat else ():  # the first compiles
                seconds[name][clock] += measured[clock]
    for clock in ("wall", "processor"):
        then, now = seconds["then"][clock], seconds["now"][clock]
        print(
            f"\n512 px, radius {radius_px:g}, {measured['threads']} threads, {clock} time: "
            f"minimum {min(then):.3f} and {min(now):.3f} s, {min(then) / min(now):.1f} times faster; "
            f"median {np.median(then):.3f} and {np.median(now):.3f} s, {np.median(then) / np.median(now):.1f} times"
        )
    benchmark.pedantic(measure_commit, args=(sides["now"], radius_px), rounds=1)
