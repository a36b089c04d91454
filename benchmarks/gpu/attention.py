"""PISA in blocks, as it runs on a device: output and gradients held against the dense reference in float64."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ...renderers.attention.geometry import TokenGeometry
from ...renderers.attention.pairs import pisa_fast
from ...renderers.attention.physics import PisaPhysics
from ...renderers.attention.plan import build_plan
from ...renderers.attention.reference import pisa_dense
from .step import Check

TOLERANCE = 1e-4
"""Relative error that PISA in float32 may have against the reference in float64."""

GRID = (11, 18)
"""No multiple of a tile's side, not square."""

HEADS, HEAD_WIDTH = 4, 64
PITCH_PX, BLUR_PX = 16, 120.0
LEAST_GRADIENT = 1e-2
"""Of the largest gradient of v: where those of q and k all but vanish, their errors are measured by this."""

PHYSICS = {
    "paper": PisaPhysics(),
    "released code": PisaPhysics.from_profile("code"),
    "start of training": PisaPhysics.from_profile("code", hardness=3.0),
    "no circle of confusion": PisaPhysics(coc=False),
    "softmax over keys": PisaPhysics(softmax_over_queries=False),
    "no occlusion": PisaPhysics(occlusion=False),
}


def compare_pisa(
    device: torch.device, physics: PisaPhysics | None = None, grid: tuple[int, int] = GRID
) -> dict[str, float]:
    """Return the largest relative errors of PISA in blocks in float32 on ``device``: output, gradients of q, k, v.

    The truth is ``pisa_dense`` in float64 on the CPU, over a slanted scene with an occluder. ``physics``: default, the
    paper's.
    """
    physics = physics or PisaPhysics()
    height, width = (PITCH_PX * n for n in grid)
    disparity = torch.linspace(0.1, 0.5, width, dtype=torch.float64).repeat(1, 1, height, 1)
    disparity[..., height // 4 : height // 2, width // 4 : width // 2] = 0.9
    geometry = TokenGeometry.from_maps(disparity, BLUR_PX * (disparity - 0.3), grid)
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, geometry.tokens, HEAD_WIDTH)
    q, k, v, weight = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4))
    truth = _output_and_gradients(lambda q, k, v: pisa_dense(q, k, v, geometry, physics), q, k, v, weight)
    plan = build_plan(geometry.to(device, torch.float32), physics, method="tiles")
    inputs = [x.to(device, torch.float32) for x in (q, k, v, weight)]
    found = _output_and_gradients(lambda q, k, v: pisa_fast(q, k, v, plan), *inputs)
    least = LEAST_GRADIENT * float(truth[3].abs().max())
    errors = (
        float((a - b.cpu()).abs().max()) / max(float(a.abs().max()), least) for a, b in zip(truth, found, strict=True)
    )
    return dict(zip(("output", "gradient of q", "gradient of k", "gradient of v"), errors, strict=True))


def _output_and_gradients(
    attend: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, weight: Tensor
) -> list[Tensor]:
    inputs = [x.detach().requires_grad_() for x in (q, k, v)]
    output = attend(*inputs)
    return [output.detach(), *torch.autograd.grad((output * weight).sum(), inputs)]


def _largest_error(physics: PisaPhysics, device: torch.device) -> float:
    return max(compare_pisa(device, physics).values())


CHECKS = tuple(
    Check(
        name=f"check/attention/{name}",
        reference="all pairs at once in float64, output and gradients, relative",
        tolerance=TOLERANCE,
        find_error=partial(_largest_error, physics),
        seconds=3.0,
    )
    for name, physics in PHYSICS.items()
)
