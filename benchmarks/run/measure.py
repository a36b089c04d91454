"""Time and peak memory of one call."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

T = TypeVar("T")

BYTES_PER_MB = 2**20
CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Measured(Generic[T]):
    """A call's result with its cost; ``peak_memory_mb`` is what it added to the memory in use, None if unknown."""

    result: T
    seconds: float
    peak_memory_mb: float | None


def measure(call: Callable[[], T], device: torch.device) -> Measured[T]:
    """Run ``call`` once; on CUDA the clock waits for the device.

    Memory: on CUDA PyTorch's peak of allocated bytes; on Linux's CPU the peak of the process's resident memory (the
    kernel's high-water mark, reset before the call); elsewhere None.
    """
    cuda = device.type == "cuda"
    before = _reset_peak(device)
    start = time.perf_counter()
    result = call()
    if cuda:
        torch.cuda.synchronize(device)
    seconds = time.perf_counter() - start
    after = _peak(device)
    peak = None if before is None or after is None else max(0.0, (after - before) / BYTES_PER_MB)
    return Measured(result, seconds, peak)


def peak_resident_mb() -> float | None:
    """Return the most memory that this process has held since ``measure`` last reset it, in MiB; None if unknown."""
    if not STATUS.exists():
        return None
    peak = _resident_bytes("VmHWM")
    return None if peak is None else peak / BYTES_PER_MB


def _reset_peak(device: torch.device) -> float | None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    try:
        CLEAR_REFS.write_text("5")  # resets the high-water mark of resident memory (proc(5))
    except OSError:
        return None
    return _resident_bytes("VmRSS")


def _peak(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _resident_bytes("VmHWM")


def _resident_bytes(field: str) -> float | None:
    for line in STATUS.read_text().splitlines():
        if line.startswith(field):
            return float(line.split()[1]) * 1024
    return None
