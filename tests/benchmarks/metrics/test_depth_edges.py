import pytest
import torch

from bokehbench.benchmarks.metrics.depth_edges import JUMP_PX, depth_edge_band


def band_by_definition(defocus):
    """Every pixel against every edge pixel."""
    height, width = defocus.shape[1:]
    band = torch.zeros(height, width, dtype=torch.bool)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for y in range(height):
        for x in range(width):
            window = defocus[0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            if window.max() - window.min() > JUMP_PX:
                band |= (rows - y) ** 2 + (columns - x) ** 2 <= window.abs().max() ** 2
    return band


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (24, 31)])
@pytest.mark.parametrize("seed", range(4))
def test_the_band_is_what_its_definition_says(size, seed):
    generator = torch.Generator().manual_seed(seed)
    defocus = torch.zeros(1, *size)
    for _ in range(3):  # overlapping slabs at different depths, some beyond the border
        y, x = (int(torch.randint(0, limit, (1,), generator=generator)) for limit in size)
        defocus[:, y : y + 9, x : x + 12] = float(torch.rand(1, generator=generator)) * 16 - 8
    assert torch.equal(depth_edge_band(defocus), band_by_definition(defocus))


def test_the_blur_of_either_side_counts_whatever_its_sign():
    defocus = torch.zeros(1, 9, 60)
    defocus[:, :, 30:] = 8.0
    assert torch.equal(depth_edge_band(defocus), depth_edge_band(-defocus))
    columns = depth_edge_band(defocus)[4].nonzero().flatten()
    assert (int(columns[0]), int(columns[-1])) == (29 - 8, 30 + 8)


def test_slanted_surfaces_are_no_edges_until_a_disc_outgrows_its_step():
    column = torch.arange(40, dtype=torch.float32).expand(1, 20, 40)
    assert not depth_edge_band(0.9 * column).any()
    assert depth_edge_band(1.2 * column).any()


def test_the_band_grows_with_the_picture():
    small = torch.zeros(1, 160, 240)
    small[:, 40:120, 80:160] = 20.0
    large = 2.0 * small.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    share = depth_edge_band(small).float().mean(), depth_edge_band(large).float().mean()
    assert float(share[0]) == pytest.approx(float(share[1]), rel=0.05)


@pytest.mark.parametrize("radius_px", [1e6, 1e30, float("inf")])
def test_a_blur_beyond_the_picture_covers_all_of_it(radius_px):
    defocus = torch.zeros(1, 8, 12)
    defocus[:, 2, 3] = radius_px
    assert depth_edge_band(defocus).all()
