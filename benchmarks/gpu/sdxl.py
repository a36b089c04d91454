"""One pass of SDXL's size with random weights: the released code's cost structure, then ours, step by step."""

import math
from functools import partial
from typing import Any

import torch

from .step import Record, Timing

SIDE_PX, RUNS = 1024, 5


def time_sdxl(side: int, runs: int, device: torch.device) -> Record:
    """Return ``describe_steps`` of the pass; torch.compile, which takes minutes, is left to ``bench_sdxl --steps``."""
    from ..kernels.bench_sdxl import build_random_sdxl, describe_steps, time_steps  # diffusers: no check needs it

    pipeline = build_random_sdxl(device, torch.float32)
    return {"side": side, "steps": describe_steps(time_steps(pipeline, side, runs, with_compile=False))}


def format_steps(steps: dict[str, dict[str, Any]]) -> str:
    """Return ``describe_steps`` as lines: median, ratios to the first and to the one before, memory, PSNR."""
    released = before = steps["released cost structure"]["median"]
    lines = [f"{'':<26} {'ms':>9} {'released/':>10} {'before/':>8} {'GiB':>6} {'dB':>7}"]
    for name, step in steps.items():
        loss = _write_loss(step["squared_error"])
        ratios = f"{released / step['median']:10.2f} {before / step['median']:8.2f}"
        lines.append(f"{name:<26} {1000 * step['median']:9.1f} {ratios} {step['peak_bytes'] / 2**30:6.1f} {loss:>7}")
        before = step["median"]
    return "\n".join(lines)


def _write_loss(squared_error: float | None) -> str:
    if squared_error is None:
        return "none"
    return "same" if squared_error == 0.0 else f"{-10.0 * math.log10(squared_error):.1f}"


TIMINGS = (Timing(name=f"time/sdxl/{SIDE_PX}x{SIDE_PX}", take=partial(time_sdxl, SIDE_PX, RUNS), seconds=60.0),)
