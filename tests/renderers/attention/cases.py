"""Scenes, features and settings that the tests of attention share, and the comparison with the dense reference."""

import torch
import torch.nn.functional as F

from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import PairPlan, build_plan
from bokehbench.renderers.attention.reference import pisa_dense

GRID = (9, 13)  # no multiple of a tile's side, not square
METHODS = ["lists", "tiles"]
TOLERANCE = 2e-6
"""Of float32 outputs, relative to the largest; gradients may be off by ten times as much."""

PHYSICS = {
    "paper": PisaPhysics(),
    "code": PisaPhysics.from_profile("code"),
    "start of training": PisaPhysics.from_profile("code", hardness=3.0),
    "no coc": PisaPhysics(coc=False),
    "no softmaxq": PisaPhysics(softmax_over_queries=False),
    "no occlusion": PisaPhysics(occlusion=False),
    "softmaxq only": PisaPhysics(coc=False, occlusion=False),
    "coc only": PisaPhysics(softmax_over_queries=False, occlusion=False),
    "occlusion only": PisaPhysics(softmax_over_queries=False, coc=False),
    "vanilla": PisaPhysics(softmax_over_queries=False, coc=False, occlusion=False),
}


def smooth_geometry(largest_px: float, batch: int = 1, grid: tuple[int, int] = GRID, seed: int = 0) -> TokenGeometry:
    """Smooth random disparity at 16 px per token, in focus where it is 0.5."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 1, 4, 4, generator=generator, dtype=torch.float64)
    disparity = F.interpolate(coarse, (16 * grid[0], 16 * grid[1]), mode="bilinear")
    return TokenGeometry.from_maps(disparity, 2 * largest_px * (disparity - 0.5), grid)


def features(geometry: TokenGeometry, heads: int = 2, size: int = 8, scale: float = 1.0, batch: int | None = None):
    generator = torch.Generator().manual_seed(1)
    shape = (batch or geometry.batch, heads, geometry.tokens, size)
    q, k, v = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3))
    return (scale * q).requires_grad_(), k.requires_grad_(), v.requires_grad_()


def in_float32(*tensors: torch.Tensor) -> list[torch.Tensor]:
    """Leaves of their own, as the product attends to them."""
    return [x.detach().float().requires_grad_(x.requires_grad) for x in tensors]


def plan_in_float32(geometry: TokenGeometry, physics: PisaPhysics, **options) -> PairPlan:
    return build_plan(geometry.to(dtype=torch.float32), physics, **options)


def assert_like_reference(geometry, physics, method, inputs, tolerance=TOLERANCE, headroom=18.0) -> PairPlan:
    """Compare float32 outputs and gradients with those of the dense reference in float64; return the plan."""
    plan = plan_in_float32(geometry, physics, seed=2, headroom=headroom, method=method)
    cotangent = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = pisa_dense(*inputs, geometry, physics, seed=2)
    expected_gradients = torch.autograd.grad(expected, inputs, cotangent)
    rounded = in_float32(*inputs)
    output = pisa_fast(*rounded, plan)
    gradients = torch.autograd.grad(output, rounded, cotangent.float())
    assert output.dtype == torch.float32
    assert output.shape == expected.shape
    assert relative_error(output, expected.detach()) <= tolerance
    floor = 1e-2 * float(expected_gradients[2].abs().max())  # where gradients of q and k all but vanish: rounding
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert relative_error(gradient, wanted, floor) <= 10 * tolerance
    return plan


def relative_error(actual: torch.Tensor, expected: torch.Tensor, floor: float = 0.0) -> float:
    assert torch.isfinite(actual).all()
    return float((actual.detach().double() - expected).abs().max()) / max(float(expected.abs().max()), floor)
