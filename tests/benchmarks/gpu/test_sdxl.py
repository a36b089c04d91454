"""The pass of SDXL's size becomes numbers; ``tests/benchmarks/kernels/test_bench_sdxl.py`` has the pass itself."""

import json

import torch

from bokehbench.benchmarks.gpu import sdxl
from bokehbench.benchmarks.kernels import bench_sdxl


def test_steps_become_numbers(monkeypatch):
    picture = torch.full((1, 3, 2, 2), 0.5)
    timing = bench_sdxl.Timing([2.0, 1.0, 3.0], 2**30, picture)
    asked = []
    monkeypatch.setattr(bench_sdxl, "build_random_sdxl", lambda *given: asked.append(given) or "pipeline")
    monkeypatch.setattr(
        bench_sdxl, "time_steps", lambda *given, **options: asked.append(given) or dict.fromkeys(NAMES, timing)
    )
    found = sdxl.time_sdxl(64, 3, torch.device("cpu"))
    assert asked == [(torch.device("cpu"), torch.float32), ("pipeline", 64, 3)]
    assert found == json.loads(json.dumps(found))
    assert [step["median"] for step in found["steps"].values()] == [2.0, 2.0]


NAMES = ("released cost structure", "ours, float32")
