"""Padding repeats the last row and column and leaves what fits alone."""

import pytest
import torch

from bokehbench.renderers.diffusion.padding import pad_to_multiple


@pytest.mark.parametrize(("size", "padded"), [((5, 9), (8, 12)), ((8, 12), (8, 12)), ((1, 1), (4, 4))])
def test_sides_become_multiples_and_the_edge_repeats(size, padded):
    maps = torch.rand(2, 3, *size)
    result = pad_to_multiple(maps, 4)
    assert result.shape[-2:] == padded
    assert torch.equal(result[..., : size[0], : size[1]], maps)
    assert torch.equal(result[..., -1, -1], maps[..., -1, -1])
