"""The fast path against the dense reference, and both against physics."""

import dataclasses

import numba
import pytest
import torch
import torch.nn.functional as F

from bokehbench.core.errors import InvalidOptionError, InvalidSceneError
from bokehbench.renderers.attention.cpu.list_pairs import LOG_TRACED_FROM
from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan
from bokehbench.renderers.attention.reference import log_circle_dense, pisa_dense

GRID = (9, 13)  # no multiple of a tile's side, not square
METHODS = ["lists", "tiles"]
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


def assert_same(geometry, physics, method, inputs, dtype, tolerance, headroom=18.0):
    """Compare outputs and gradients with those of the dense reference in float64, relative to the largest value."""
    plan = build_plan(geometry.to(dtype=dtype), physics, seed=2, headroom=headroom, method=method)
    cotangent = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = pisa_dense(*inputs, geometry, physics, seed=2)
    expected_gradients = torch.autograd.grad(expected, inputs, cotangent)
    rounded = [x.detach().to(dtype).requires_grad_() for x in inputs]
    output = pisa_fast(*rounded, plan)
    gradients = torch.autograd.grad(output, rounded, cotangent.to(dtype))
    assert output.dtype == dtype
    assert output.shape == expected.shape
    assert relative_error(output, expected.detach()) <= tolerance
    floor = 1e-2 * float(expected_gradients[2].abs().max())  # where gradients of q and k all but vanish: rounding
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert relative_error(gradient, wanted, floor) <= 10 * tolerance
    return plan


def relative_error(actual: torch.Tensor, expected: torch.Tensor, floor: float = 0.0) -> float:
    assert torch.isfinite(actual).all()
    return float((actual.detach().double() - expected).abs().max()) / max(float(expected.abs().max()), floor)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("physics", PHYSICS.values(), ids=PHYSICS)
def test_fast_is_dense_for_every_ablation(physics, method):
    geometry = smooth_geometry(40.0, batch=2)
    assert_same(geometry, physics, method, features(geometry), torch.float64, 2e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hardness", [3.0, 1e7])
@pytest.mark.parametrize("largest_px", [0.0, 30.0, 1000.0], ids=["all in focus", "mixed", "all blurred"])
def test_float32(largest_px, hardness, method):
    geometry = smooth_geometry(largest_px)
    assert_same(geometry, PisaPhysics(hardness=hardness), method, features(geometry), torch.float32, 1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by_queries", [True, False])
def test_the_plan_widens_where_logits_differ_by_twenty(by_queries, method):
    """A cut at negligible C alone would lose pairs that a large logit lifts."""
    geometry = smooth_geometry(20.0)
    inputs = features(geometry, scale=8.0)
    physics = PisaPhysics(hardness=30.0, softmax_over_queries=by_queries)
    S = inputs[0] @ inputs[1].transpose(-1, -2) / 8**0.5
    assert float((S.max() - S.min()).detach()) > 40
    plan = assert_same(geometry, physics, method, inputs, torch.float32, 1e-5, headroom=1.0)
    assert plan.headroom > 20


@pytest.mark.parametrize("scale", [1.0, 8.0])
@pytest.mark.parametrize("by_queries", [True, False])
def test_what_is_far_is_traced_only_where_logits_ask(by_queries, scale):
    geometry = smooth_geometry(30.0, batch=2, grid=(20, 33))
    physics = PisaPhysics.from_profile("code", hardness=3.0, rays=1, softmax_over_queries=by_queries)
    pairs = assert_same(geometry, physics, "lists", features(geometry, scale=scale), torch.float32, 1e-5).pairs
    assert int(pairs.traced.sum()) < len(pairs.partners)
    faintest = float(pairs.log_circle[pairs.starts[:-1] + pairs.traced - 1].max(axis=1).min())
    assert faintest >= -LOG_TRACED_FROM if scale == 1.0 else faintest < -LOG_TRACED_FROM


@pytest.mark.parametrize("physics", [PisaPhysics(coc=False, rays=1), PisaPhysics(hardness=3.0)], ids=["no coc", "soft"])
def test_wide_plans_equal_dense(physics):
    geometry = smooth_geometry(60.0, batch=2, grid=(16, 18))
    assert_same(geometry, physics, None, features(geometry, heads=3, size=20), torch.float32, 1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_size_of_sdxl_heads(method):
    geometry = smooth_geometry(30.0)
    assert_same(geometry, PisaPhysics(), method, features(geometry, size=64), torch.float32, 1e-5)


@pytest.mark.parametrize("grid", [(1, 1), (1, 17), (8, 8), (3, 30)])
@pytest.mark.parametrize("method", METHODS)
def test_odd_grids(grid, method):
    geometry = smooth_geometry(30.0, grid=grid)
    assert_same(geometry, PisaPhysics(rays=1), method, features(geometry), torch.float64, 2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_may_share_one_scene(method):
    geometry = smooth_geometry(30.0)
    assert_same(geometry, PisaPhysics(), method, features(geometry, batch=3), torch.float64, 2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_released_pitch_makes_ellipses_in_both(method):
    geometry = smooth_geometry(60.0).with_released_pitch()
    assert geometry.pitch_px[0] != geometry.pitch_px[1]
    assert_same(geometry, PisaPhysics(rays=1), method, features(geometry), torch.float64, 2e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by_queries", [True, False])
def test_gradcheck(by_queries, method):
    geometry = smooth_geometry(30.0, grid=(3, 4))
    plan = build_plan(geometry, PisaPhysics(softmax_over_queries=by_queries), method=method, headroom=60.0)
    inputs = features(geometry, heads=1, size=3)
    assert torch.autograd.gradcheck(lambda *x: pisa_fast(*x, plan), inputs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_is_computed_in_float32(dtype, method):
    geometry = smooth_geometry(30.0)
    inputs = [x.detach().to(dtype) for x in features(geometry)]
    plan = build_plan(geometry.to(dtype=torch.float32), PisaPhysics(), method=method)
    exact = pisa_fast(*(x.float() for x in inputs), plan)
    for output in (pisa_fast(*inputs, plan), pisa_dense(*inputs, geometry, PisaPhysics())):
        assert output.dtype == dtype
        torch.testing.assert_close(output, exact.to(dtype), rtol=2 * torch.finfo(dtype).eps, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_bits_again_and_on_one_thread(method):
    geometry = smooth_geometry(30.0).to(dtype=torch.float32)
    inputs = [x.detach().float() for x in features(geometry, heads=4)]
    plan = build_plan(geometry, PisaPhysics(), method=method)

    def run() -> list[torch.Tensor]:
        leaves = [x.requires_grad_() for x in inputs]
        output = pisa_fast(*leaves, plan)
        return [output.detach(), *torch.autograd.grad(output.square().sum(), leaves)]

    first = run()
    assert all(map(torch.equal, run(), first))
    threads = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        assert all(map(torch.equal, run(), first))
    finally:
        torch.set_num_threads(threads[0])
        numba.set_num_threads(threads[1])


def test_views_of_projections_and_contiguous_heads_agree():
    geometry = smooth_geometry(30.0).to(dtype=torch.float32)
    inputs = [x.detach().float() for x in features(geometry)]
    views = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in inputs]
    plan = build_plan(geometry, PisaPhysics())
    assert torch.equal(pisa_fast(*inputs, plan), pisa_fast(*views, plan))


@pytest.mark.parametrize("coc", [True, False])
def test_energy_is_conserved_before_occlusion(coc):
    """Each key's light is shared out once: with V = 1 the outputs add up to the number of keys."""
    geometry = smooth_geometry(60.0)
    q, k, _ = features(geometry)
    ones = torch.ones_like(q)
    physics = PisaPhysics(coc=coc, occlusion=False)
    for output in (pisa_dense(q, k, ones, geometry, physics), pisa_fast(q, k, ones, build_plan(geometry, physics))):
        torch.testing.assert_close(output.sum(dim=2), torch.full_like(output[:, :, 0], geometry.tokens))


def test_occlusion_only_takes_light_away():
    geometry = smooth_geometry(60.0)
    q, k, _ = features(geometry)
    ones = torch.ones_like(q)
    free = pisa_fast(q, k, ones, build_plan(geometry, PisaPhysics(occlusion=False)))
    occluded = pisa_fast(q, k, ones, build_plan(geometry, PisaPhysics()))
    assert bool((occluded <= free + 1e-12).all())
    assert float(occluded.detach().sum()) < 0.99 * float(free.detach().sum())


def test_all_in_focus_is_the_identity():
    geometry = smooth_geometry(0.0)
    q, k, v = features(geometry)
    for physics in (PisaPhysics(occlusion=False), PisaPhysics(occlusion=False, softmax_over_queries=False)):
        torch.testing.assert_close(pisa_dense(q, k, v, geometry, physics), v, rtol=0, atol=1e-7)
        torch.testing.assert_close(pisa_fast(q, k, v, build_plan(geometry, physics)), v, rtol=0, atol=1e-7)


def test_a_point_of_light_becomes_a_disc_of_its_radius():
    """Equal logits: one key's light spreads evenly over the tokens within its circle."""
    geometry = dataclasses.replace(smooth_geometry(0.0, grid=(15, 15)), radius_px=torch.full((1, 225), 60.0).double())
    zeros = torch.zeros(1, 1, 225, 4, dtype=torch.float64)
    light = zeros.clone()
    light[0, 0, 7 * 15 + 7] = 1.0
    physics = PisaPhysics(occlusion=False)
    output = pisa_fast(zeros, zeros, light, build_plan(geometry, physics))[0, 0, :, 0].reshape(15, 15)
    y, x = torch.meshgrid(torch.arange(15) - 7, torch.arange(15) - 7, indexing="ij")
    inside = 16 * torch.hypot(y.double(), x.double()) < 60.0
    torch.testing.assert_close(
        output[inside], torch.full_like(output[inside], 1 / int(inside.sum())), rtol=0.05, atol=0
    )
    assert float(output[~inside].max()) < 1e-3


def test_the_edge_of_the_circle():
    """Half at the radius, as steep as ln(hardness) per unit of 10 px."""
    geometry = dataclasses.replace(smooth_geometry(0.0, grid=(1, 3)), radius_px=torch.full((1, 3), 16.0).double())
    C = log_circle_dense(geometry, PisaPhysics(hardness=100.0)).exp()[0]
    assert float(C[0, 1]) == pytest.approx(0.5)
    assert float(C[0, 2]) == pytest.approx(1 / (1 + 100.0**1.6))
    assert float(C[0, 0]) == pytest.approx(1 / (1 + 100.0**-1.6))


def test_light_behind_a_near_plane_does_not_reach_it():
    """Two planes, the far one blurred: its light spills over the near one only without occlusion."""
    disparity = torch.full((1, 1, 192, 192), 0.1, dtype=torch.float64)
    disparity[..., 96:] = 0.6
    geometry = TokenGeometry.from_maps(disparity, 80.0 * (disparity < 0.5), grid=(12, 12))
    zeros = torch.zeros(1, 1, 144, 1, dtype=torch.float64)
    far = (geometry.disparity < 0.5).double()[:, None, :, None]
    spilled = [
        pisa_fast(zeros, zeros, far, build_plan(geometry, PisaPhysics(occlusion=on)))[0, 0, :, 0].reshape(12, 12)[6, 8]
        for on in (True, False)
    ]
    assert float(spilled[1]) > 0.1
    assert float(spilled[0]) < 0.5 * float(spilled[1])


def test_vanilla_is_ordinary_attention():
    geometry = smooth_geometry(30.0)
    inputs = features(geometry)
    physics = PHYSICS["vanilla"]
    assert physics.is_vanilla
    torch.testing.assert_close(
        pisa_fast(*inputs, build_plan(geometry, physics)), F.scaled_dot_product_attention(*inputs), rtol=0, atol=0
    )


def test_mistakes_are_named():
    geometry = smooth_geometry(30.0)
    plan = build_plan(geometry, PisaPhysics())
    q, k, v = features(geometry)
    with pytest.raises(InvalidSceneError, match="9 x 13"):
        pisa_fast(q[:, :, 1:], k[:, :, 1:], v[:, :, 1:], plan)
    with pytest.raises(InvalidSceneError, match="one shape"):
        pisa_fast(q, k[:, :, 1:], v, plan)
    with pytest.raises(InvalidSceneError, match="one floating type"):
        pisa_fast(q, k.float(), v, plan)
    with pytest.raises(InvalidSceneError, match="batch 1 or 3"):
        pisa_dense(*(x.expand(3, -1, -1, -1) for x in (q, k, v)), smooth_geometry(30.0, batch=2), PisaPhysics())
    with pytest.raises(InvalidOptionError, match="lists, tiles"):
        build_plan(geometry, PisaPhysics(), method="lines")


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no CUDA device: PISA's device path is not compared"
)
@pytest.mark.parametrize("physics", PHYSICS.values(), ids=PHYSICS)
def test_fast_is_dense_on_a_gpu(physics):
    geometry = smooth_geometry(40.0, batch=2)
    inputs = [x.detach() for x in features(geometry)]
    plan = build_plan(geometry.to("cuda"), physics, seed=2)
    output = pisa_fast(*(x.cuda() for x in inputs), plan)
    assert relative_error(output.cpu(), pisa_dense(*inputs, geometry, physics, seed=2)) <= 2e-6
    assert torch.equal(pisa_fast(*(x.cuda() for x in inputs), plan), output)
