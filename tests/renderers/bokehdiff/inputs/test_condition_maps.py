"""Maps beside the latent: known values, one per latent px, also in tiles."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.inputs.condition_maps import CONDITIONS, stack_conditions
from bokehbench.renderers.diffusion.tiling import Tile

PITCH_PX = 4


def stack_all(disparity, defocus_px, tile):
    return stack_conditions(tuple(CONDITIONS), disparity, defocus_px, tile, PITCH_PX)


def test_known_values_of_one_latent_px():
    disparity, defocus_px = torch.full((1, 1, 4, 4), 0.75), torch.full((1, 1, 4, 4), -8.0)
    defocus_px[..., 2:] = 24.0
    maps = stack_all(disparity, defocus_px, Tile(0, 0, 1, 1))
    assert maps.shape == (1, 4, 1, 1)
    values = dict(zip(CONDITIONS, maps.flatten().tolist(), strict=True))
    assert values == {"defocus": 0.5, "blur": 1.0, "disparity": 0.25, "defocus_std": 1.0}


def test_a_plane_has_no_spread():
    maps = stack_all(torch.full((2, 1, 8, 12), 0.3), torch.full((2, 1, 8, 12), 0.7), Tile(0, 0, 2, 3))
    assert maps.shape == (2, 4, 2, 3)
    assert float(maps[:, 3].abs().max()) < 1e-7


def test_a_tile_has_its_part_of_the_whole():
    disparity, defocus_px = torch.rand(1, 1, 32, 48), 20 * torch.rand(1, 1, 32, 48) - 9
    whole, tile = stack_all(disparity, defocus_px, Tile(0, 0, 8, 12)), Tile(4, 2, 4, 7)
    assert torch.allclose(stack_all(disparity, defocus_px, tile), tile.cut(whole), atol=1e-6)


def test_half_precision_maps_are_pooled_in_full():
    maps = stack_all(*(torch.rand(1, 1, 8, 8).half() for _ in range(2)), Tile(0, 0, 2, 2))
    assert maps.dtype == torch.float32


def test_the_papers_model_takes_none(compact):
    maps = torch.rand(2, 1, 8, 12)
    names = compact.active_settings.condition_channels
    assert stack_conditions(names, maps, maps, Tile(0, 0, 2, 3), compact.latent_pitch_px).shape == (2, 0, 2, 3)


def test_networks_that_cannot_take_them(compact):
    settings = dataclasses.replace(compact.active_settings, condition_channels=("blur",))
    with pytest.raises(InvalidOptionError, match=r"expected 17 input channels .*, got 16"):
        compact.configure(settings)
