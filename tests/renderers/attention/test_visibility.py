"""Visibility against a triple loop, and against what a lens would see."""

import math

import numpy as np
import pytest
import torch

from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan
from bokehbench.renderers.attention.visibility import source_shifts, uniform_jitter, visibility_dense


def geometry_of(disparity: torch.Tensor, grid: tuple[int, int], radius_px: float = 1e4) -> TokenGeometry:
    disparity = disparity.float()
    return TokenGeometry.from_maps(disparity, torch.full_like(disparity, radius_px), grid)


def random_geometry(batch: int = 2, grid: tuple[int, int] = (5, 7), seed: int = 0) -> TokenGeometry:
    generator = torch.Generator().manual_seed(seed)
    return geometry_of(torch.rand(batch, 1, 4 * grid[0], 4 * grid[1], generator=generator), grid)


def sample_naive(surface: torch.Tensor, y: float, x: float) -> float:
    """Bilinear value at y, x in samples from the corner of the map; zero outside."""
    top, left, total = math.floor(y - 0.5), math.floor(x - 0.5), 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < surface.shape[0] and 0 <= column < surface.shape[1]:
                total += (1 - abs(y - 0.5 - row)) * (1 - abs(x - 0.5 - column)) * float(surface[row, column])
    return total


def visibility_naive(geometry: TokenGeometry, physics: PisaPhysics, seed: int) -> torch.Tensor:
    """Eq. 7-8 with one Python loop per index."""
    shifts = source_shifts(geometry, physics, seed)
    scale = geometry.ray_map.shape[1] // geometry.height
    visibility = torch.zeros(geometry.batch, geometry.tokens, geometry.tokens, dtype=torch.float64)
    for b in range(geometry.batch):
        for q in range(geometry.tokens):
            for s in range(geometry.tokens):
                free = 0
                for ray in range(physics.rays):
                    d_s, d_q = float(geometry.disparity[b, s]), float(geometry.disparity[b, q])
                    blocked = False
                    for segment, t in enumerate(physics.ray_weights):
                        threshold = t * d_s + 1 - t
                        dt = threshold if physics.rays_from == "source" else t * d_q + 1 - t
                        place = []
                        for axis, (at_q, at_s) in enumerate(
                            zip(divmod(q, geometry.width), divmod(s, geometry.width), strict=True)
                        ):
                            at_s = at_s + float(shifts[b, s, ray, axis])
                            p = (1 - dt) * d_s / ((1 - d_s) * dt) * (at_s - at_q) + at_q + 0.5
                            if physics.jitter == "sample" and ray > 0:
                                numbers = (torch.tensor([n]) for n in (b, q, s))
                                p += float(uniform_jitter(seed, *numbers, ray, segment, axis))
                            place.append(p * scale)
                        blocked |= sample_naive(geometry.ray_map[b], *place) > threshold
                    free += not blocked
                visibility[b, q, s] = max(free / physics.rays, physics.min_visibility)
    return visibility


SETTINGS = {
    "paper": PisaPhysics(rays=2, segments=3),
    "code": PisaPhysics.from_profile("code", rays=2, segments=3, min_visibility=0.01),
}


@pytest.mark.parametrize("profile", SETTINGS)
def test_dense_visibility_is_the_triple_loop(profile):
    geometry = random_geometry(grid=(3, 4))
    expected = visibility_naive(geometry, SETTINGS[profile], seed=5)
    assert 0.1 < float(expected.mean()) < 0.9
    torch.testing.assert_close(visibility_dense(geometry, SETTINGS[profile], seed=5), expected)


def listed_visibility(geometry: TokenGeometry, physics: PisaPhysics, seed: int) -> torch.Tensor:
    """Spread a plan's lists over the full matrix; pairs that no list holds become NaN."""
    pairs = build_plan(geometry, physics, seed, method="lists").pairs
    pairs.trace(np.diff(pairs.starts))
    full = torch.full((geometry.batch, geometry.tokens, geometry.tokens), math.nan, dtype=torch.float64)
    for number, (team, size) in enumerate(zip(pairs.teams, pairs.sizes, strict=True)):
        mine = slice(pairs.starts[number], pairs.starts[number + 1])
        partners = torch.from_numpy(pairs.partners[mine]).long() % geometry.tokens
        for anchor, visible in zip(team[:size], pairs.visible[mine].T, strict=False):
            share = torch.from_numpy(np.maximum(visible / physics.rays, physics.min_visibility))
            full[anchor // geometry.tokens, partners, anchor % geometry.tokens] = share
    return full


@pytest.mark.parametrize("profile", ["paper", "code"])
def test_compiled_visibility_is_dense_visibility(profile):
    geometry, physics = random_geometry(grid=(9, 14)), PisaPhysics.from_profile(profile)
    torch.testing.assert_close(listed_visibility(geometry, physics, 3), visibility_dense(geometry, physics, 3))


@pytest.mark.parametrize("radius_px", [6.0, 1e4])
@pytest.mark.parametrize("jitter", ["source", "sample"])
@pytest.mark.parametrize("rays_from", ["source", "mixed"])
def test_compiled_visibility_where_most_keys_have_nothing_before_them(radius_px, rays_from, jitter):
    disparity = 0.1 + 0.1 * torch.linspace(0.0, 1.0, 48).expand(1, 1, 40, 48)
    disparity = torch.cat([disparity, disparity.flip(3)])
    disparity[..., 8:20, 12:20] = 0.7
    disparity[1, :, 30:, 40:] = 0.95
    geometry, physics = geometry_of(disparity, (10, 12), radius_px), PisaPhysics(rays_from=rays_from, jitter=jitter)
    truth, listed = visibility_dense(geometry, physics, 3), listed_visibility(geometry, physics, 3)
    assert 0.5 < float((truth == 1.0).double().mean()) < 1.0
    reach_px = build_plan(geometry, physics, 3).reach_px[:, None]
    places = geometry.positions_px.double()
    beyond = torch.cdist(places, places) > reach_px
    torch.testing.assert_close(listed[~beyond], truth[~beyond])


def test_another_seed_draws_other_rays():
    geometry = random_geometry()
    first, again, other = (visibility_dense(geometry, PisaPhysics(), seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_blocks_on_a_plane_that_faces_the_lens():
    geometry = geometry_of(torch.full((1, 1, 24, 24), 0.4), (8, 8))
    assert float(visibility_dense(geometry, PisaPhysics()).min()) == 1.0


def test_a_nearer_surface_blocks_what_lies_behind_it_and_never_the_reverse():
    """Two planes: a near one over the middle columns of a far one."""
    disparity = torch.full((1, 1, 36, 36), 0.1)
    disparity[..., 12:24] = 0.6
    geometry = geometry_of(disparity, (12, 12))
    physics = PisaPhysics(rays=1, segments=40, ray_range=(0.01, 0.99))
    row = 6 * 12
    near, far_left, far_right = row + 5, row + 3, row + 9
    visibility = visibility_dense(geometry, physics)[0]
    assert visibility[near, far_right] == 0.0, "the near plane sees no light of the far one through itself"
    assert visibility[far_left, far_right] == 0.0, "nor does the far plane's left see its right through the near one"
    assert visibility[row + 1, far_left] == 1.0, "nothing lies between two points on the same side"
    assert visibility[far_left, near] == 1.0, "nothing lies before the near plane"
    assert visibility[far_left, far_left] == 1.0


def test_jitter_is_uniform():
    query = torch.arange(100)[:, None]
    jitter = uniform_jitter(7, torch.zeros(1, dtype=torch.int64), query, query.T.contiguous(), 1, 2, 0)
    assert jitter.min() >= -0.5
    assert jitter.max() < 0.5
    assert abs(float(jitter.mean())) < 0.01
    assert abs(float(jitter.std()) - 12**-0.5) < 0.005
    assert abs(float(torch.corrcoef(torch.stack([jitter[:-1].flatten(), jitter[1:].flatten()]))[0, 1])) < 0.03
