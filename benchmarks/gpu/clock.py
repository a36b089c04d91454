"""Times of calls on one device, by turns: between device events on CUDA, elsewhere of the wall clock."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

import torch

from ..latency.repeats import RepeatRule, describe_spread
from ..run.measure import measure
from .step import Record


def time_interleaved(calls: Mapping[str, Callable[[], object]], device: torch.device, rule: RepeatRule) -> Record:
    """Return the seconds of each call over repeats, as ``spread``, and what it adds to the memory in use, in MiB.

    Each is called once to compile and once for its memory before; then all by turns, until ``rule`` is met for each.
    """
    memory = {}
    for name, call in calls.items():
        call()
        memory[name] = measure(call, device).peak_memory_mb
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    while any(rule.verdict(values) is None for values in seconds.values()):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call, device))
    return {
        "calls": {
            name: {"spread": asdict(describe_spread(values)), "added_mb": memory[name]}
            for name, values in seconds.items()
        }
    }


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of one call; the device has nothing left to do before and after."""
    if device.type != "cuda":
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    torch.cuda.synchronize(device)
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    call()
    end.record()
    torch.cuda.synchronize(device)
    return begin.elapsed_time(end) / 1000
