"""What the harness itself costs a case: an instant renderer, metrics without networks, pictures of 512x512.

Run it alone on an idle machine (about half a minute):

    python -m pytest benchmarks/kernels/bench_harness.py --benchmark-only -s

``BENCH_SIZE`` (px, default 512) and ``BENCH_SCENES`` (default 12) change it. The first renderer also pays for recording
each scene; the others do not. A missed target is printed beside the time, not raised: times depend on the machine.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bokehbench.benchmarks.latency.scene import make_latency_scene
from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.runner import Runner
from bokehbench.benchmarks.run.scene_record import record_scene
from bokehbench.core.files import read_image, sha256_of, write_image
from bokehbench.datasets.interface import SceneDataset
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.interface import Scene

SIZE = int(os.environ.get("BENCH_SIZE", "512"))
SCENES = int(os.environ.get("BENCH_SCENES", "12"))

METRICS = ("psnr", "psnr-focus", "psnr-edge", "ssim")
RADIUS_PX = 20.0
TARGET_MS = 30.0
RENDERERS = ("first", "second", "third")


class Ready(SceneDataset):
    """Scenes that are in memory: loading costs nothing."""

    name = "ready"
    protocol = terms = "for a benchmark"
    scored = True

    def __init__(self, size: int, count: int):
        super().__init__()
        scene = make_latency_scene(size, size, RADIUS_PX)
        target = (0.97 * scene.image).clamp(0.0, 1.0)
        fields = {name: getattr(scene, name) for name in ("image", "disparity", "focus_disparity", "blur_strength")}
        self._scenes = {f"scene {n}": Scene(name=f"scene {n}", target=target, **fields) for n in range(count)}

    def scene_names(self) -> Sequence[str]:
        return list(self._scenes)

    def load(self, scene_name: str) -> Scene:
        return self._scenes[scene_name]


def prepare_metrics() -> list[Metric]:
    metrics = [load_metric(name) for name in METRICS]
    for metric in metrics:
        metric.prepare()
    return metrics


def time_cases(size: int, count: int, folder: Path) -> dict[str, float]:
    """Return ms a case of each of three renderers that give the input back, in the order they run."""
    folder.mkdir()
    dataset = Ready(size, count)
    runner = Runner(folder, {"ready": dataset}, prepare_metrics(), lambda name: IdentityRenderer(name), "here")
    times = {}
    for name in RENDERERS:
        cases = expand_cases(
            [PlannedRenderer(name=name)],
            [PlannedDataset(name="ready", scenes=dict.fromkeys(dataset.scene_names(), ""))],
        )
        start = time.perf_counter()
        rows = runner.run(cases)
        times[name] = 1000 * (time.perf_counter() - start) / count
        assert all(row["status"] == "ok" and None not in row["metrics"].values() for row in rows)
    return times


def time_parts(size: int, repeats: int, folder: Path) -> dict[str, float]:
    """Return the ms of each step by itself, the best of ``repeats``."""
    scene = Ready(size, 1).load("scene 0")
    assert scene.target is not None
    image, path = scene.image * 0.99, folder / "picture.png"
    write_image(path, image)
    steps: dict[str, Callable[[], object]] = {
        "PNG": lambda: write_image(path, image),
        "read PNG": lambda: read_image(path),
        "hash PNG": lambda: sha256_of(path),
        "record scene": lambda: record_scene(folder, "ready", "cluster", scene),
    }
    for metric in prepare_metrics():
        steps[metric.name] = lambda metric=metric: metric.score(image, scene)  # type: ignore[misc]
    return {name: min(_time(step) for _ in range(repeats)) for name, step in steps.items()}


def _time(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - start)


def format_table(size: int, cases: dict[str, float], parts: dict[str, float]) -> str:
    """Return the times as lines of text."""
    lines = [f"{size}x{size}, ms a case (target <= {TARGET_MS:g} once scenes are recorded)"]
    lines += [f"  {name + ' renderer':<18} {value:7.1f}" for name, value in cases.items()]
    lines += ["each step by itself, best of several, ms"]
    return "\n".join(lines + [f"  {name:<18} {value:7.1f}" for name, value in parts.items()])


def test_cost_of_a_case(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        time_cases(64, 2, Path(folder, "warm-up"))
        parts = time_parts(SIZE, 10, Path(folder, "parts"))
        cases = benchmark.pedantic(lambda: time_cases(SIZE, SCENES, Path(folder, "run")), rounds=1)
    benchmark.extra_info.update(cases | parts)
    with capsys.disabled():
        print("\n" + format_table(SIZE, cases, parts))
