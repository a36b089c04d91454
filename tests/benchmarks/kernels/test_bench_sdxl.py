"""The timing command's parts, on the CPU; the command itself where there is a GPU."""

import itertools
import json

import torch

from bokehbench.benchmarks.kernels import bench_sdxl


def test_passes_are_timed_after_the_warm_up(compact, monkeypatch):
    """By a clock on which the first pass takes a second, the next one two, and so on."""
    readings = itertools.accumulate(itertools.chain.from_iterable((10, number) for number in itertools.count(1)))
    monkeypatch.setattr(bench_sdxl, "_now", lambda device: next(readings))
    assert bench_sdxl.time_passes(compact, 32, 2).seconds == [3, 4]


def test_steps_go_from_the_released_cost_structure_to_ours(make_trained):
    timings = bench_sdxl.time_steps(make_trained(output_form="residual"), 64, 1, with_compile=False)
    assert list(timings) == ["released cost structure", "ours, float32", "+ channels_last", "+ bfloat16 U-Net"]
    ours = timings["ours, float32"].picture
    torch.testing.assert_close(timings["released cost structure"].picture, ours, atol=2e-3, rtol=0)
    torch.testing.assert_close(timings["+ channels_last"].picture, ours, atol=1e-3, rtol=0)
    assert 0 < float((timings["+ bfloat16 U-Net"].picture - ours).abs().max()) < 0.1
    lines = bench_sdxl.format_steps(bench_sdxl.describe_steps(timings)).splitlines()
    assert len(lines) == 5
    assert lines[2].endswith("same")


def test_ratios_are_of_medians():
    picture = torch.full((1, 3, 2, 2), 0.5)
    slow = bench_sdxl.Timing([4.0, 3.0, 5.0], 2**30, picture)
    fast = bench_sdxl.Timing([1.0, 2.0, 9.0], 2**31, picture + 0.1)
    broken = bench_sdxl.Timing([2.0], 2**30, picture * float("nan"))
    timings = {"released cost structure": slow, "ours, float32": slow, "last": fast, "broken": broken}
    steps = bench_sdxl.describe_steps(timings)
    assert json.loads(json.dumps(steps, allow_nan=False)) == steps
    lines = bench_sdxl.format_steps(steps).splitlines()
    assert lines[-2].split() == ["last", "2000.0", "2.00", "2.00", "2.0", "20.0"]
    assert lines[-1].split() == ["broken", "2000.0", "2.00", "1.00", "1.0", "none"]


def test_random_sdxl_has_sdxls_size():
    pipeline = bench_sdxl.build_random_sdxl(torch.device("meta"), torch.bfloat16)
    assert sum(p.numel() for p in pipeline.unet.parameters()) == 2_567_463_684
    assert pipeline.latent_pitch_px == 8
    assert pipeline.size_multiple_px == 32
    assert (pipeline.unet.dtype, pipeline.vae.dtype) == (torch.bfloat16, torch.float32)


def test_no_gpu_is_said_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert bench_sdxl.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [f"skipped: torch {torch.__version__} sees no CUDA device"]
