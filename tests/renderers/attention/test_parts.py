"""Tokens that straddle a depth edge, as two parts: what they are, and what a lens makes of such an edge."""

import dataclasses
import math

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.parts import PlannedPart, TokenPart, attend, split_tokens
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan
from bokehbench.renderers.attention.reference import pisa_dense
from bokehbench.renderers.attention.visibility import visibility_dense

from .cases import METHODS, TOLERANCE, features, in_float32, relative_error

GRID = (8, 12)
PITCH = 4
NEAR, FAR = 0.8, 0.2
SOFT_BY_QUERIES = PisaPhysics(softmax_over_queries=False, hardness=3.0)
"""With circles so soft that keys which send nothing take a good part of every query's softmax."""


def an_edge(column, near_px=0.0, far_px=8.0):
    """Return disparity and radius: near from ``column`` on, far before it."""
    near = (torch.arange(GRID[1] * PITCH) >= column).expand(1, 1, GRID[0] * PITCH, -1)
    return torch.where(near, NEAR, FAR), torch.where(near, near_px, far_px)


def planned(parts, physics=None, method=None):
    return [PlannedPart(part, build_plan(part.geometry, physics or PisaPhysics(), method=method)) for part in parts]


def test_a_straddling_token_has_the_two_surfaces_own_radii():
    near, far = split_tokens(*an_edge(18), GRID)  # 2 px far, 2 px near in the fifth token of a row
    token = GRID[1] + 4
    assert [float(part.geometry.disparity[0, token]) for part in (near, far)] == pytest.approx([NEAR, FAR])
    assert [float(part.geometry.radius_px[0, token]) for part in (near, far)] == pytest.approx([0.0, 8.0])
    assert [float(part.share[0, token]) for part in (near, far)] == pytest.approx([0.5, 0.5])
    torch.testing.assert_close(near.share + far.share, torch.ones_like(near.share))
    torch.testing.assert_close(near.pixels + far.pixels, torch.ones_like(near.pixels))


def test_other_tokens_are_whole_and_have_nothing_behind():
    maps = an_edge(18)
    whole = TokenGeometry.from_maps(*maps, GRID)
    near, far = split_tokens(*maps, GRID)
    others = torch.arange(near.geometry.tokens) % GRID[1] != 4
    torch.testing.assert_close(near.geometry.disparity[:, others], whole.disparity[:, others])
    torch.testing.assert_close(near.geometry.radius_px[:, others], whole.radius_px[:, others])
    assert not far.share[:, others].any()
    assert not far.geometry.radius_px[:, others].any()


def test_what_has_nothing_behind_looks_at_no_other_token():
    (_, near), (_, far) = planned(split_tokens(*an_edge(18), GRID))
    behind = torch.arange(near.geometry.tokens) % GRID[1] == 4
    assert (far.reach_px[0] > PITCH).tolist() == behind.tolist()
    assert (near.reach_px > PITCH).all()
    assert not far.reach_px[:, ~behind].any()


def test_a_query_without_pixels_of_a_part_keeps_its_disparity():
    maps = an_edge(18)
    whole = TokenGeometry.from_maps(*maps, GRID)
    _, far = split_tokens(*maps, GRID)
    absent = ~far.geometry.present
    assert torch.equal(far.geometry.disparity[absent], whole.disparity[absent])
    given = dataclasses.replace(far.geometry, disparity=torch.where(absent, whole.disparity, FAR), present=None)
    expected = visibility_dense(given, PisaPhysics.from_profile("code"))
    found = visibility_dense(far.geometry, PisaPhysics.from_profile("code"))
    torch.testing.assert_close(found[:, :, ~absent[0]], expected[:, :, ~absent[0]])


def test_a_surface_hides_where_it_fills_whole_tokens():
    near, far = split_tokens(*an_edge(18), GRID)
    cells = near.geometry.ray_map[0, 0]
    torch.testing.assert_close(cells, torch.where(torch.arange(len(cells)) < 5 * 3, FAR, NEAR))
    assert torch.equal(near.geometry.ray_map, far.geometry.ray_map)


@pytest.mark.parametrize("maps", [an_edge(16), an_edge(18, near_px=8.5)], ids=["between tokens", "almost one radius"])
def test_nothing_is_split_without_need(maps):
    (part,) = split_tokens(*maps, GRID)
    whole = TokenGeometry.from_maps(*maps, GRID)
    assert part.share is None
    assert all(torch.equal(getattr(part.geometry, x), getattr(whole, x)) for x in ("disparity", "radius_px", "ray_map"))


def blur(parts, pitch_px, picture, method):
    """Return the colours (N,) that a grid of tokens gets from a picture (1,1,H,W), with all logits equal."""
    values = torch.cat([picture, torch.ones_like(picture)], dim=1)
    arrived = 0.0
    for part, plan in planned(parts, PisaPhysics(hardness=1e7), method):
        light = torch.nn.functional.avg_pool2d(values if part.pixels is None else values * part.pixels, pitch_px)
        tokens = light.flatten(2).transpose(1, 2)[:, None].contiguous()
        arrived = arrived + pisa_fast(torch.zeros_like(tokens), torch.zeros_like(tokens), tokens, plan)
    return arrived[0, 0, :, 0] / arrived[0, 0, :, 1]


def covered(distance_px, radius_px):
    """Return how much of a disc lies beyond a straight edge, whose distance from its centre is given."""
    t = min(max(distance_px / max(radius_px, 1e-6), -1.0), 1.0)
    return (math.acos(t) - t * math.sqrt(1.0 - t * t)) / math.pi


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("near_px", [0.0, 12.0], ids=["sharp before blurred", "blurred before sharp"])
def test_light_at_an_edge_is_a_lens_s(near_px, method):
    """Bright far away, dark nearby, as far as the token that the edge divides: behind the rest nothing is known."""
    edge = 18
    disparity, radius_px = an_edge(edge, near_px, 12.0 - near_px)
    bright = torch.where(disparity == FAR, 1.0, 0.1)
    expected = [
        sum(1.0 - 0.9 * covered(edge - (x + 0.5), near_px) for x in range(left, left + PITCH)) / PITCH
        for left in range(0, edge, PITCH)
    ]

    def error(parts):
        row = blur(parts, PITCH, bright, method).view(GRID)[GRID[0] // 2, : len(expected)]
        return float((row - torch.tensor(expected)).abs().max())

    assert error(split_tokens(disparity, radius_px, GRID)) < 0.05
    assert error([TokenPart(TokenGeometry.from_maps(disparity, radius_px, GRID))]) > 0.2


@pytest.mark.parametrize("physics", [PisaPhysics(), SOFT_BY_QUERIES], ids=["by keys", "by queries"])
@pytest.mark.parametrize("method", METHODS)
def test_attention_over_parts_is_the_dense_one_of_each(method, physics):
    """Forward and backward, of two pictures of which one has no edge, with tokens of 4 x 3 px."""
    edge, flat = an_edge(19), an_edge(0)
    maps = [torch.cat(both).double() for both in zip(edge, flat, strict=True)]
    parts = split_tokens(*maps, (8, 16))
    assert [part.geometry.present.any(dim=1).tolist() for part in parts] == [[True, True], [True, False]]
    inputs = features(parts[0].geometry)
    q, k, v = inputs
    expected = sum(pisa_dense(q, k, v * part.share[:, None, :, None], part.geometry, physics) for part in parts)
    cotangent = torch.randn(q.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    wanted = torch.autograd.grad(expected, inputs, cotangent)
    rounded = in_float32(*inputs)
    halves = [TokenPart(part.geometry.to(dtype=torch.float32), part.pixels.float()) for part in parts]
    output = attend(*rounded, planned(halves, physics, method))
    assert relative_error(output, expected.detach()) <= TOLERANCE
    floor = 1e-2 * float(wanted[2].abs().max())
    for gradient, true in zip(torch.autograd.grad(output, rounded, cotangent.float()), wanted, strict=True):
        assert relative_error(gradient, true, floor) <= 10 * TOLERANCE


@pytest.mark.parametrize("method", METHODS)
def test_keys_that_have_nothing_to_send_widen_no_plan(method):
    maps = an_edge(18, near_px=1.0, far_px=6.0)
    _, (part, plan) = planned(split_tokens(*maps, GRID), method=method)
    q, k, v = in_float32(*features(part.geometry))
    loud = torch.where(part.geometry.present[:, None, :, None], k, 1000.0 * k)
    headroom, sent = plan.headroom, v * part.share[:, None, :, None]
    output = pisa_fast(q, loud, sent, plan)
    assert plan.headroom == headroom
    torch.testing.assert_close(output, pisa_fast(q, k, sent, plan))


def test_lists_are_of_squares_with_something_to_send():
    near, far = planned(split_tokens(*an_edge(18), GRID), method="lists")
    teams = [len(part.plan.pairs.teams) for part in (near, far)]
    assert teams == [6, 2]  # columns 4 to 7 of 12, in two rows of squares


def test_tokens_of_a_fraction_of_a_px_are_not_split():
    with pytest.raises(InvalidOptionError, match="whole px"):
        split_tokens(*an_edge(18), (8, 10))
