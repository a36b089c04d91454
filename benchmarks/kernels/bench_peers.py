"""The renderer ``classical`` against a program that people use for the same: GEGL's lens-blur, which GIMP calls.

Run it alone on an idle machine (about a minute on two cores):

    python -m pytest benchmarks/kernels/bench_peers.py --benchmark-only -s

``BENCH_SIZE`` (px, default 1024) and ``BENCH_REPEATS`` (default 7) change it. GEGL runs in a process of the system's
Python (Debian: ``apt install python3-gi gir1.2-gegl-0.4``); without it the benchmark is skipped and says so. Both use
as many threads as torch does, and scatter every pixel in linear light, in memory; only the rendering is timed, by
turns. Times are medians; processor times, of all threads, the smallest. GEGL's disc has a hard rim and reaches half a
pixel beyond the radius, so it gets the radius less that; the pictures may differ by AGREEMENT on average. A missed
target is printed beside the ratio, not raised: times depend on the machine.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bokehbench.benchmarks.kernels import gegl_worker
from bokehbench.benchmarks.latency.scene import make_latency_scene
from bokehbench.core.optics import to_linear
from bokehbench.core.programs import ProcessGroup, ask_program
from bokehbench.renderers.classical.cpu.spans import scatter_spans

SIZE = int(os.environ.get("BENCH_SIZE", "1024"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "7"))

RADII_PX = (8.0, 32.0, 64.0)
TARGET = 1.5
"""How many times our time GEGL's should be."""

AGREEMENT = 1e-3
"""Mean absolute difference of the pictures in linear light."""

PYTHONS = ("/usr/bin/python3", "python3")
START_S = 60.0
MISSING = "no Python here has GEGL 0.4 (Debian: apt install python3-gi gir1.2-gegl-0.4)"


def find_gegl() -> str | None:
    """Return a Python that can load GEGL; None if there is none."""
    probe = "import gi; gi.require_version('Gegl', '0.4'); from gi.repository import Gegl; Gegl.init(None)"
    for python in filter(None, map(shutil.which, PYTHONS)):
        if ask_program([python, "-c", probe], START_S) is not None:
            return python
    return None


class Gegl:
    """A process of GEGL that holds one scene."""

    def __init__(self, process: ProcessGroup, folder: Path, height: int, width: int):
        self._process, self._folder, self._shape = process, folder, (height, width, 4)
        self.version = self._read()

    def render(self) -> tuple[float, float]:
        """Render once; return seconds and processor seconds of all threads."""
        assert self._process.input is not None
        self._process.input.write(b"render\n")
        seconds, processor_seconds = self._read().split()
        return float(seconds), float(processor_seconds)

    def picture(self) -> Tensor:
        """Return the last render, (3,H,W) float32, linear light."""
        pixels = np.fromfile(self._folder / "render", np.float32).reshape(self._shape)
        return torch.from_numpy(pixels[..., :3].transpose(2, 0, 1).copy())

    def _read(self) -> str:
        assert self._process.output is not None
        line = self._process.output.readline().decode().strip()
        assert line, f"GEGL's process has ended{self._process.describe_last_line()}"
        return line


@contextmanager
def start_gegl(python: str, linear: Tensor, radius_px: Tensor, threads: int) -> Iterator[Gegl]:
    """Start a process of GEGL and give it a scene: (3,H,W) float32, linear light, and (H,W) px."""
    height, width = radius_px.shape
    largest_px = float(radius_px.max())
    mask = ((radius_px - 0.5) / largest_px).clamp(0.0, 1.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.cat([linear, torch.ones_like(linear[:1])]).permute(1, 2, 0).contiguous().numpy().tofile(
            folder / "picture"
        )
        mask.contiguous().numpy().tofile(folder / "mask")
        command = [python, gegl_worker.__file__, name, str(width), str(height), str(largest_px), str(threads)]
        with ProcessGroup(command, folder, folder / "log", piped=True) as process:
            yield Gegl(process, folder, height, width)


def make_scene(kind: str, size: int, largest_px: float) -> tuple[Tensor, Tensor]:
    """Return a picture (3,size,size), linear, and its radii: two planes, 0 and the largest, or a ramp between them."""
    scene = make_latency_scene(size, size, largest_px)
    along = torch.linspace(0.0, 1.0, size)
    across, down = along.repeat(size, 1), along[:, None].repeat(1, size)
    share = {"planes": (across > 0.5).float(), "ramp x": across, "ramp y": down, "diagonal": (across + down) / 2}[kind]
    return to_linear(scene.image, scene.gamma), largest_px * share


def compare(python: str, kind: str, size: int, largest_px: float, repeats: int) -> dict[str, float | str]:
    """Return times of both and their ratios, GEGL's to ours, after both have rendered once without being timed."""
    linear, radius_px = make_scene(kind, size, largest_px)
    with start_gegl(python, linear, radius_px, torch.get_num_threads()) as gegl:
        gegl.render()
        difference = float((gegl.picture() - scatter_spans(linear, radius_px)).abs().mean())
        theirs, ours = [], []
        for _ in range(repeats):
            theirs.append(gegl.render())
            start, processor = time.perf_counter(), time.process_time()
            scatter_spans(linear, radius_px)
            ours.append((time.perf_counter() - start, time.process_time() - processor))
        version = gegl.version
    seconds, gegl_seconds = (statistics.median(run[0] for run in runs) for runs in (ours, theirs))
    processor_seconds, gegl_processor_seconds = (min(run[1] for run in runs) for runs in (ours, theirs))
    return {
        "gegl": version,
        "seconds": seconds,
        "gegl_seconds": gegl_seconds,
        "ratio": gegl_seconds / seconds,
        "processor_seconds": processor_seconds,
        "gegl_processor_seconds": gegl_processor_seconds,
        "processor_ratio": gegl_processor_seconds / processor_seconds,
        "difference": difference,
    }


def format_row(kind: str, size: int, largest_px: float, row: dict[str, float | str]) -> str:
    """Return a comparison as two lines of text."""
    return (
        f"{kind}, {size}x{size}, up to {largest_px:g} px, {torch.get_num_threads()} threads: "
        f"GEGL {row['gegl']} takes {row['ratio']:.2f} times as long as classical (target {TARGET})\n"
        f"    {row['gegl_seconds']:.3f} and {row['seconds']:.3f} s; processor {row['gegl_processor_seconds']:.3f} and "
        f"{row['processor_seconds']:.3f} s, {row['processor_ratio']:.2f} times; mean difference {row['difference']:.1e}"
    )


@pytest.mark.parametrize("largest_px", RADII_PX)
@pytest.mark.parametrize("kind", ["planes", "ramp x", "ramp y", "diagonal"])
def test_classical_against_gegl(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], kind: str, largest_px: float
) -> None:
    python = find_gegl()
    if python is None:
        pytest.skip(MISSING)
    row = compare(python, kind, SIZE, largest_px, REPEATS)
    with capsys.disabled():
        print("\n" + format_row(kind, SIZE, largest_px, row))
    benchmark.extra_info.update(row, threads=torch.get_num_threads(), repeats=REPEATS)
    benchmark.pedantic(scatter_spans, make_scene(kind, SIZE, largest_px), rounds=1)
    assert float(row["difference"]) < AGREEMENT
