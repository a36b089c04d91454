"""The fast paths in float32, as the product runs them, against the dense reference in float64 and against physics."""

import dataclasses

import numba
import pytest
import torch
import torch.nn.functional as F

from bokehbench.core.errors import InvalidSceneError
from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan
from bokehbench.renderers.attention.reference import pisa_dense

from .cases import (
    METHODS,
    PHYSICS,
    TOLERANCE,
    assert_like_reference,
    features,
    in_float32,
    plan_in_float32,
    relative_error,
    smooth_geometry,
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("physics", PHYSICS.values(), ids=PHYSICS)
def test_fast_is_dense_for_every_ablation(physics, method):
    geometry = smooth_geometry(40.0, batch=2)
    assert_like_reference(geometry, physics, method, features(geometry))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hardness", [3.0, 1e7])
@pytest.mark.parametrize("largest_px", [0.0, 30.0, 1000.0], ids=["all in focus", "mixed", "all blurred"])
def test_fast_is_dense_from_sharp_to_blurred(largest_px, hardness, method):
    geometry = smooth_geometry(largest_px)
    tolerance = TOLERANCE if largest_px else 1e-5  # all gradients but those of v are rounding
    assert_like_reference(geometry, PisaPhysics(hardness=hardness), method, features(geometry), tolerance)


@pytest.mark.parametrize("physics", [PisaPhysics(coc=False, rays=1), PisaPhysics(hardness=3.0)], ids=["no coc", "soft"])
def test_wide_plans_equal_dense(physics):
    geometry = smooth_geometry(60.0, batch=2, grid=(16, 18))
    assert_like_reference(geometry, physics, None, features(geometry, heads=3, size=20))


@pytest.mark.parametrize("method", METHODS)
def test_the_size_of_sdxl_heads(method):
    geometry = smooth_geometry(30.0)
    assert_like_reference(geometry, PisaPhysics(), method, features(geometry, size=64))


@pytest.mark.parametrize("grid", [(1, 1), (1, 17), (8, 8), (3, 30)])
@pytest.mark.parametrize("method", METHODS)
def test_odd_grids(grid, method):
    geometry = smooth_geometry(30.0, grid=grid)
    assert_like_reference(geometry, PisaPhysics(rays=1), method, features(geometry))


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_may_share_one_scene(method):
    geometry = smooth_geometry(30.0)
    assert_like_reference(geometry, PisaPhysics(), method, features(geometry, batch=3))


@pytest.mark.parametrize("method", METHODS)
def test_the_released_pitch_makes_ellipses_in_both(method):
    geometry = smooth_geometry(60.0).with_released_pitch()
    assert geometry.pitch_px[0] != geometry.pitch_px[1]
    assert_like_reference(geometry, PisaPhysics(rays=1), method, features(geometry))


@pytest.mark.parametrize("by_queries", [True, False])
def test_gradcheck(by_queries):
    """Of tiles and the reference in float64; lists, which compute in float32 only, have the reference's gradients."""
    geometry, physics = smooth_geometry(30.0, grid=(3, 4)), PisaPhysics(softmax_over_queries=by_queries)
    inputs = features(geometry, heads=1, size=3)
    plan = plan_in_float32(geometry, physics, method="tiles", headroom=60.0)
    assert torch.autograd.gradcheck(lambda *x: pisa_fast(*x, plan), inputs)
    assert_like_reference(geometry, physics, "lists", inputs, headroom=60.0)
    fewer = smooth_geometry(30.0, grid=(2, 2))
    assert torch.autograd.gradcheck(lambda *x: pisa_dense(*x, fewer, physics), features(fewer, heads=1, size=2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_is_computed_in_float32(dtype, method):
    geometry = smooth_geometry(30.0)
    inputs = [x.detach().to(dtype) for x in features(geometry)]
    plan = plan_in_float32(geometry, PisaPhysics(), method=method)
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
    fast = pisa_fast(*in_float32(q, k, ones), plan_in_float32(geometry, physics)).double()
    for output in (pisa_dense(q, k, ones, geometry, physics), fast):
        torch.testing.assert_close(output.sum(dim=2), torch.full_like(output[:, :, 0], geometry.tokens))


def test_occlusion_only_takes_light_away():
    geometry = smooth_geometry(60.0)
    q, k, _ = features(geometry)
    inputs = in_float32(q, k, torch.ones_like(q))
    free = pisa_fast(*inputs, plan_in_float32(geometry, PisaPhysics(occlusion=False)))
    occluded = pisa_fast(*inputs, plan_in_float32(geometry, PisaPhysics()))
    assert bool((occluded <= free + 1e-12).all())
    assert float(occluded.detach().sum()) < 0.99 * float(free.detach().sum())


def test_all_in_focus_is_the_identity():
    geometry = smooth_geometry(0.0)
    q, k, v = features(geometry)
    for physics in (PisaPhysics(occlusion=False), PisaPhysics(occlusion=False, softmax_over_queries=False)):
        torch.testing.assert_close(pisa_dense(q, k, v, geometry, physics), v, rtol=0, atol=1e-7)
        fast = pisa_fast(*in_float32(q, k, v), plan_in_float32(geometry, physics))
        torch.testing.assert_close(fast, v.float(), rtol=0, atol=1e-7)


def test_a_point_of_light_becomes_a_disc_of_its_radius():
    """Equal logits: one key's light spreads evenly over the tokens within its circle."""
    geometry = dataclasses.replace(smooth_geometry(0.0, grid=(15, 15)), radius_px=torch.full((1, 225), 60.0).double())
    zeros = torch.zeros(1, 1, 225, 4)
    light = zeros.clone()
    light[0, 0, 7 * 15 + 7] = 1.0
    physics = PisaPhysics(occlusion=False)
    output = pisa_fast(zeros, zeros, light, plan_in_float32(geometry, physics))[0, 0, :, 0].reshape(15, 15)
    y, x = torch.meshgrid(torch.arange(15) - 7, torch.arange(15) - 7, indexing="ij")
    inside = 16 * torch.hypot(y.double(), x.double()) < 60.0
    torch.testing.assert_close(
        output[inside], torch.full_like(output[inside], 1 / int(inside.sum())), rtol=0.05, atol=0
    )
    assert float(output[~inside].max()) < 1e-3


def test_light_behind_a_near_plane_does_not_reach_it():
    """Two planes, the far one blurred: its light spills over the near one only without occlusion."""
    disparity = torch.full((1, 1, 192, 192), 0.1, dtype=torch.float64)
    disparity[..., 96:] = 0.6
    geometry = TokenGeometry.from_maps(disparity, 80.0 * (disparity < 0.5), grid=(12, 12))
    zeros = torch.zeros(1, 1, 144, 1)
    far = (geometry.disparity < 0.5).float()[:, None, :, None]
    spilled = [
        pisa_fast(zeros, zeros, far, plan_in_float32(geometry, PisaPhysics(occlusion=on)))[0, 0, :, 0].reshape(12, 12)[
            6, 8
        ]
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
    with pytest.raises(InvalidSceneError, match="expected float32 or less for lists, got float64"):
        pisa_fast(q, k, v, plan)


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
