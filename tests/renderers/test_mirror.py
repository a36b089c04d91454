"""Maps continued by reflection, against numpy's."""

import numpy as np
import pytest
import torch

from bokehbench.renderers.mirror import mirror, mirror_to


@pytest.mark.parametrize(("height", "width"), [(3, 4), (3, 17), (12, 4), (2, 2)])
def test_at_least_that_many_rows_and_columns_however_far(height, width):
    maps = torch.arange(12.0).reshape(1, 3, 4)
    padding = ((0, 0), (0, max(height - 3, 0)), (0, max(width - 4, 0)))
    np.testing.assert_array_equal(mirror_to(maps, height, width), np.pad(maps, padding, mode="reflect"))


def test_on_all_sides():
    maps = torch.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(mirror(maps, 5, 2), np.pad(maps, ((5, 5), (5, 7)), mode="reflect"))


def test_one_row_is_repeated():
    assert torch.equal(mirror_to(torch.ones(1, 1, 1), 3, 2), torch.ones(1, 3, 2))
