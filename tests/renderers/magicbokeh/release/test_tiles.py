"""The authors' tiling: how many tiles, where, and their weights."""

import pytest
import torch

from bokehbench.renderers.diffusion.tiling import Tile, blend_tiles
from bokehbench.renderers.magicbokeh.release.tiles import cover, ramp_weights


@pytest.mark.parametrize(
    ("height", "width", "count"), [(512, 512, 1), (1024, 1562, 18), (3024, 4032, 165), (513, 768, 4)]
)
def test_number_of_tiles_and_the_last_one_flush(height, width, count):
    tiles = cover(height, width)
    assert len(tiles) == count
    assert (tiles[-1].top + 512, tiles[-1].left + 512) == (height, width)


@pytest.mark.parametrize("size", [(768, 1024), (600, 900)])
def test_tiles_of_one_picture_give_it_back(size):
    maps = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    blended = blend_tiles(lambda tile: tile.cut(maps), cover(*size), maps, ramp_weights)
    torch.testing.assert_close(blended, maps)


def test_ramps_end_at_0_and_1_inside_and_are_absent_at_borders():
    area = torch.Size((1024, 1024))
    corner, middle = ramp_weights(Tile(0, 0, 512, 512), area), ramp_weights(Tile(256, 256, 512, 512), area)
    assert bool((corner[:256, :256] == 1.0).all())
    assert (corner[0, 255:].min(), corner[0, 256], corner[0, -1]) == (0.0, 1.0, 0.0)
    assert (middle[0].abs().max(), middle[255, 255], middle[256, 256], middle[255, 0]) == (0.0, 1.0, 1.0, 0.0)
