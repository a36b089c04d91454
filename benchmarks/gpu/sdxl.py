"""One pass of SDXL's size with random weights: the released code's cost structure, then ours, step by step."""

from functools import partial

import torch

from .step import Record, Timing

SIDE_PX, RUNS = 1024, 5


def time_sdxl(side: int, runs: int, device: torch.device) -> Record:
    """Return ``describe_steps`` of the pass; torch.compile, which takes minutes, is left to ``bench_sdxl --steps``."""
    from ..kernels.bench_sdxl import build_random_sdxl, describe_steps, time_steps  # diffusers: no check needs it

    pipeline = build_random_sdxl(device, torch.float32)
    return {"side": side, "steps": describe_steps(time_steps(pipeline, side, runs, with_compile=False))}


TIMINGS = (Timing(name=f"time/sdxl/{SIDE_PX}x{SIDE_PX}", take=partial(time_sdxl, SIDE_PX, RUNS), seconds=60.0),)
