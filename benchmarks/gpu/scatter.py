"""The scatters of ``classical``: each held against the definition in float64, then timed side by side."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ...renderers.classical.device.offsets import scatter_on_device
from ...renderers.classical.reference import scatter_reference
from ..latency.repeats import RepeatRule
from .ahead import CAPABILITIES, compile_apart
from .clock import time_interleaved
from .step import CARD, TRITON, Check, Record, Timing

Scatter = Callable[[Tensor, Tensor], Tensor]
Maps = tuple[Tensor, Tensor]
"""Linear light (3,H,W) and radii (H,W)."""

SIDE_PX = 1024
RADII_PX = (8.0, 32.0, 64.0)
RULE = RepeatRule(seconds=1.0)
NEEDS_TRITON = frozenset({TRITON})


def kernels() -> dict[str, Scatter]:
    """Return the kernels that there are: without Triton PyTorch's offsets alone."""
    try:
        from ...renderers.classical.device.triton_spans import scatter_triton
        from .literal_scatter import scatter_literal
    except ModuleNotFoundError:
        return {"offsets": scatter_on_device}
    return {"spans": scatter_triton, "literal atomics": scatter_literal, "offsets": scatter_on_device}


def ramp(height: int = 20, width: int = 28, largest_px: float = 9.0) -> Maps:
    """Return noise; every radius differs from its neighbour's."""
    linear = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    return linear, torch.linspace(0.0, largest_px, width).repeat(height, 1)


def planes(side: int, largest_px: float) -> Maps:
    """Return noise; its left half is in focus, its right half blurred by the largest radius."""
    linear, radius_px = ramp(side, side, largest_px)
    return linear, (radius_px > largest_px / 2) * largest_px


def bright_point() -> Maps:
    """Return a sharp point 10^4 times brighter than white in the middle of blurred black."""
    linear, radius_px = torch.zeros(3, 12, 12), torch.full((12, 12), 4.0)
    linear[:, 6, 6], radius_px[6, 6] = 1e4, 0.0
    return linear, radius_px


def sharp_row() -> Maps:
    """Return a sharp row among blurred ones: little light reaches it from elsewhere."""
    linear, radius_px = ramp(10, 12, 0.0)
    radius_px[:] = 6.0
    radius_px[5] = 0.4
    return linear, radius_px


def error_of(kernel: str, make_maps: Callable[[], Maps], device: torch.device) -> float:
    """Return the largest error against the definition in float64; relative where the light is above 1."""
    linear, radius_px = make_maps()
    truth = scatter_reference(linear.double(), radius_px.double())
    found = kernels()[kernel](linear.to(device), radius_px.to(device)).cpu().double()
    return float(((found - truth).abs() / truth.abs().clamp(min=1.0)).max())


def count_changed(kernel: str, device: torch.device) -> float:
    """Return how many values differ from one call to the next."""
    maps = [one.to(device) for one in ramp()]
    return float((kernels()[kernel](*maps) != kernels()[kernel](*maps)).sum())


def error_at_size(device: torch.device) -> float:
    """Return the largest difference of the spans from PyTorch's offsets on a picture of a useful size."""
    maps = [one.to(device) for one in ramp(SIDE_PX, SIDE_PX, 64.0)]
    found = kernels()
    return float((found["spans"](*maps) - found["offsets"](*maps)).abs().max())


def count_uncompiled(capability: int, device: torch.device) -> float:
    """Return how many of Triton's kernels have no machine code for a compute capability."""
    return float(sum(size == 0 for size in compile_apart(capability).values()))


def time_scatters(
    kind: str, largest_px: float, device: torch.device, side: int = SIDE_PX, rule: RepeatRule = RULE
) -> Record:
    """Time the kernels by turns on two ``planes`` or on a ``ramp`` of radii up to ``largest_px``."""
    maps = planes(side, largest_px) if kind == "planes" else ramp(side, side, largest_px)
    linear, radius_px = (one.to(device) for one in maps)
    calls = {name: partial(kernel, linear, radius_px) for name, kernel in kernels().items()}
    return {"kind": kind, "side": side, "radius_px": largest_px} | time_interleaved(calls, device, rule)


DEFINITION = "the definition in float64"
CASES: dict[str, Callable[[], Maps]] = {"ramp": ramp, "bright point": bright_point, "sharp row": sharp_row}
CHECKS = (
    *(
        Check(
            name=f"check/scatter/offsets/{name}",
            reference=DEFINITION,
            tolerance=1e-5,
            find_error=partial(error_of, "offsets", maps),
            seconds=1.0,
        )
        for name, maps in CASES.items()
    ),
    *(
        Check(
            name=f"check/scatter/spans/{name}",
            reference=DEFINITION,
            tolerance=1e-4,
            find_error=partial(error_of, "spans", maps),
            needs=NEEDS_TRITON,
        )
        for name, maps in CASES.items()
    ),
    Check(
        name="check/scatter/spans/same bits",
        reference="the call before, values that differ",
        tolerance=0.0,
        find_error=partial(count_changed, "spans"),
        needs=NEEDS_TRITON,
    ),
    Check(
        name=f"check/scatter/spans/{SIDE_PX}x{SIDE_PX}, 64 px",
        reference="PyTorch's offsets on the same device",
        tolerance=1e-4,
        find_error=error_at_size,
        seconds=6.0,
        needs=frozenset({CARD, TRITON}),
    ),
    Check(
        name="check/scatter/literal atomics",
        reference=DEFINITION,
        tolerance=1e-4,
        find_error=partial(error_of, "literal atomics", ramp),
        needs=NEEDS_TRITON,
    ),
)
AHEAD = tuple(
    Check(
        name=f"check/compiles/sm_{capability}",
        reference="machine code, kernels without it",
        tolerance=0.0,
        find_error=partial(count_uncompiled, capability),
        seconds=8.0,
        needs=NEEDS_TRITON,
    )
    for capability in CAPABILITIES
)
"""Where there is a card its own compilation says more."""

TIMINGS = tuple(
    Timing(name=f"time/scatter/{kind}/{radius:g} px", take=partial(time_scatters, kind, radius), seconds=5.0)
    for radius in RADII_PX
    for kind in ("planes", "ramp")
)
