"""Maps beside the latent: known values, one per latent px, also in tiles."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.inputs.condition_maps import CONDITIONS
from bokehbench.renderers.diffusion.tiling import Tile


@pytest.fixture
def conditioned(plus):
    """A pipeline that takes every condition. Only its maps are looked at: its network lacks the channel."""
    plus._active = dataclasses.replace(plus.active_settings, condition_channels=tuple(CONDITIONS))
    return plus


def test_known_values_of_one_latent_px(conditioned):
    disparity, defocus_px = torch.full((1, 1, 4, 4), 0.75), torch.full((1, 1, 4, 4), -8.0)
    defocus_px[..., 2:] = 24.0
    maps = conditioned.condition_maps(disparity, defocus_px, Tile(0, 0, 1, 1))
    assert maps.shape == (1, 4, 1, 1)
    values = dict(zip(CONDITIONS, maps.flatten().tolist(), strict=True))
    assert values == {"defocus": 0.5, "blur": 1.0, "disparity": 0.25, "spread": 1.0}


def test_a_plane_has_no_spread(conditioned):
    maps = conditioned.condition_maps(torch.full((2, 1, 8, 12), 0.3), torch.full((2, 1, 8, 12), 0.7), Tile(0, 0, 2, 3))
    assert maps.shape == (2, 4, 2, 3)
    assert float(maps[:, 3].abs().max()) < 1e-7


def test_a_tile_has_its_part_of_the_whole(conditioned):
    disparity, defocus_px = torch.rand(1, 1, 32, 48), 20 * torch.rand(1, 1, 32, 48) - 9
    whole, tile = conditioned.condition_maps(disparity, defocus_px, Tile(0, 0, 8, 12)), Tile(4, 2, 4, 7)
    assert torch.allclose(conditioned.condition_maps(disparity, defocus_px, tile), tile.cut(whole), atol=1e-6)


def test_half_precision_maps_are_pooled_in_full(conditioned):
    maps = conditioned.condition_maps(*(torch.rand(1, 1, 8, 8).half() for _ in range(2)), Tile(0, 0, 2, 2))
    assert maps.dtype == torch.float32


def test_the_papers_model_is_told_nothing(compact):
    maps = torch.rand(2, 1, 8, 12)
    assert compact.condition_maps(maps, maps, Tile(0, 0, 2, 3)).shape == (2, 0, 2, 3)


def test_networks_that_cannot_take_them(compact):
    settings = dataclasses.replace(compact.active_settings, condition_channels=("blur",))
    with pytest.raises(InvalidOptionError, match=r"expected 17 input channels .*, got 16"):
        compact.configure(settings)
