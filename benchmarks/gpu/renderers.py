"""Whole renderers on a device: their pictures held against the CPU's, and how long they take."""

import functools
from functools import partial

import torch

from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from ..latency.probe import Point, measure_prepared
from ..latency.repeats import RepeatRule
from ..latency.scene import make_latency_scene
from .step import CARD, Check, Record, Timing

TOLERANCES = {
    "classical": 1e-4,
    "classical-occlusion": 1e-3,
    "dr-bokeh": 1e-4,
    "bokehdiff": 1e-2,
    "bokehdiff-plus": 1e-2,
}
"""Root mean square of the difference, display values. On a card PyTorch lets convolutions use TF32."""

RADII_PX = (8.0, 32.0, 64.0)
SIDES_PX, LARGE_SIDES_PX = (256, 512, 1024), (2048,)
RULE = RepeatRule(seconds=1.5, fewest=3, patience=6.0)
GUESSES = {
    "classical": (1.0, 0.5),
    "classical-occlusion": (1.5, 3.0),
    "bokehdiff": (1.5, 1.5),
    "bokehdiff-plus": (2.0, 4.5),
}
"""Seconds of a measurement: of every one, and a megapixel."""


def error_of(name: str, device: torch.device, side: int = 256) -> float:
    """Return the root mean square of the difference between the pictures of ``device`` and of the CPU."""
    prepared.cache_clear()
    scene = make_latency_scene(side, side, 12.0)
    pictures = []
    for place in (torch.device("cpu"), device):
        renderer = load_renderer(name)
        renderer.prepare(place)
        pictures.append(renderer.render(scene).cpu())
    return float((pictures[0] - pictures[1]).square().mean().sqrt())


@functools.lru_cache(maxsize=1)  # a card holds the weights of one renderer at a time
def prepared(name: str, device: torch.device) -> Renderer:
    """Return the renderer, prepared on the device; the last one is kept."""
    prepared.cache_clear()  # before the next is loaded: the cache itself would drop the last one after that
    renderer = load_renderer(name)
    renderer.prepare(device)
    return renderer


def time_renderer(name: str, side: int, radius_px: float, device: torch.device, rule: RepeatRule = RULE) -> Record:
    """Return a measurement as ``run_bench.py --latency`` takes it, but for the process, which it shares with others."""
    renderer = prepared(name, device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    point = Point(
        renderer=name,
        weights=renderer.weights,
        device=str(device),
        dtype="float32",
        height=side,
        width=side,
        radius_px=radius_px,
    )
    measured = measure_prepared(point, renderer, rule)
    about = {"renderer": name, "weights": renderer.weights, "height": side, "width": side, "radius_px": radius_px}
    return about | {key: value for key, value in measured.items() if key not in ("status", "reason", "repeats")}


def _timings(sides: tuple[int, ...]) -> tuple[Timing, ...]:
    return tuple(
        Timing(
            name=f"time/renderer/{side}x{side}/{name}/{radius:g} px",
            take=partial(time_renderer, name, side, radius),
            seconds=round(start + a_megapixel * side * side / 1e6, 1),
        )
        for side in sides
        for name, (start, a_megapixel) in GUESSES.items()
        for radius in RADII_PX
    )


CHECKS = tuple(
    Check(
        name=f"check/renderer/{name}",
        reference="the CPU's picture, root mean square",
        tolerance=tolerance,
        find_error=partial(error_of, name),
        seconds=12.0,
        needs=frozenset({CARD}),
    )
    for name, tolerance in TOLERANCES.items()
)
TIMINGS, LARGE_TIMINGS = _timings(SIDES_PX), _timings(LARGE_SIDES_PX)
