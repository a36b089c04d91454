"""Tiles cover the picture and their blend has no seams."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.diffusion.tiling import (
    STRIDE,
    Tile,
    blend_tiles,
    choose_tile_side,
    cover_with_tiles,
    one_pass_latents,
)


@pytest.mark.parametrize(
    ("height", "width", "side"), [(64, 64, 64), (64, 200, 64), (100, 60, 16), (52, 4, 8), (256, 128, 128)]
)
def test_tiles_cover_everything_and_overlap(height, width, side):
    tiles = cover_with_tiles(height, width, side, 4)
    covered = torch.zeros(height, width)
    for tile in tiles:
        assert tile.top % 4 == tile.left % 4 == 0
        assert tile.cut(covered).shape == (tile.height, tile.width) == (min(side, height), min(side, width))
        tile.cut(covered).add_(1)
    assert float(covered.min()) >= 1
    tops = sorted({tile.top for tile in tiles})
    assert tops[-1] + tiles[0].height == height
    assert all(b - a <= STRIDE * side for a, b in itertools.pairwise(tops))


def test_one_tile_where_the_picture_fits():
    assert cover_with_tiles(40, 60, 64, 4) == [Tile(0, 0, 40, 60)]


@pytest.mark.parametrize("side", [0, 6, -4])
def test_impossible_side(side):
    with pytest.raises(InvalidOptionError, match="positive multiple of 4"):
        cover_with_tiles(64, 64, side, 4)


def test_tile_cuts_the_px_below_its_latents():
    maps = torch.arange(32 * 48).reshape(32, 48)
    assert torch.equal(Tile(1, 2, 3, 4).cut(maps, 8), maps[8:32, 16:48])


def test_local_network_agrees_in_the_interior_and_nearly_at_the_seams():
    """Three 3 x 3 convolutions see 3 latent px: beyond that from every tile's edge, tiled equals untiled."""
    torch.manual_seed(0)
    kernels, z = [torch.randn(4, 4, 3, 3) / 6 for _ in range(3)], torch.randn(1, 4, 64, 96)

    def network(x):
        for kernel in kernels:
            x = F.conv2d(x, kernel, padding=1)
        return x

    tiles = cover_with_tiles(64, 96, 32, 4)
    whole, tiled = network(z), blend_tiles(lambda tile: network(tile.cut(z)), tiles, z)
    exact = torch.ones(64, 96, dtype=torch.bool)
    for tile in tiles:
        inner = torch.zeros(64, 96, dtype=torch.bool)
        top, left = (0 if edge == 0 else edge + 3 for edge in (tile.top, tile.left))
        bottom = 64 if tile.top + tile.height == 64 else tile.top + tile.height - 3
        right = 96 if tile.left + tile.width == 96 else tile.left + tile.width - 3
        inner[top:bottom, left:right] = True
        touched = torch.zeros(64, 96, dtype=torch.bool)
        tile.cut(touched).fill_(True)
        exact &= inner | ~touched
    assert 0.3 < float(exact.float().mean()) < 1.0
    error = (whole - tiled).abs()[0].amax(0)
    assert float(error[exact].max()) < 1e-5
    assert float(error.mean()) < 0.1 * float(whole.abs().mean())


def test_blend_of_constants_is_constant_and_weighs_the_centre_most():
    like, tiles = torch.zeros(1, 1, 8, 56), cover_with_tiles(8, 56, 32, 4)
    assert len(tiles) == 2
    same = blend_tiles(lambda tile: torch.full((1, 1, tile.height, tile.width), 3.0), tiles, like)
    assert torch.allclose(same, torch.tensor(3.0))
    ramp = blend_tiles(lambda tile: torch.full((1, 1, tile.height, tile.width), float(tile.left > 0)), tiles, like)[
        0, 0, 4
    ]
    assert float(ramp[0]) == 0
    assert float(ramp[-1]) == 1
    assert bool((ramp.diff() >= 0).all())
    assert float(ramp.diff().max()) < 0.5


@pytest.mark.parametrize(
    ("tiling", "latents", "side"),
    [("auto", 100, None), ("auto", 101, 8), ("always", 1, 8), ("never", 10**9, None)],
)
def test_only_the_size_decides(tiling, latents, side):
    assert choose_tile_side(tiling, 8, latents, most=100) == side


def test_a_pass_takes_as_many_px_at_every_pitch_but_fewer_tokens_where_all_attend_to_all():
    assert one_pass_latents(4) * 4**2 == one_pass_latents(8) * 8**2 == 1536 * 1024
    assert one_pass_latents(4, token_latents=1) == 128**2
    assert one_pass_latents(8, token_latents=2) == one_pass_latents(8)
