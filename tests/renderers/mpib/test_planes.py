"""Blur against averaging pixel by pixel; planes against light that is laid over light."""

import pytest
import torch
import torch.nn.functional as F

from bokehbench.renderers.mpib.planes import blur, lay_over, soft_disc


def average_pixel_by_pixel(maps, radius_px):
    """The definition in float64: 1/2 + 1/2 tanh((r^2 - distance^2) / 4 + 1/2) over a square, the border repeated."""
    steps = torch.arange(-radius_px, radius_px + 1, dtype=torch.float64)
    distance2 = steps[:, None] ** 2 + steps**2
    weights = 0.5 + 0.5 * torch.tanh(0.25 * (radius_px**2 - distance2) + 0.5)
    padded = F.pad(maps[None].double(), (radius_px,) * 4, mode="replicate")[0]
    averaged = torch.empty_like(maps, dtype=torch.float64)
    for y in range(maps.shape[1]):
        for x in range(maps.shape[2]):
            window = padded[:, y : y + 2 * radius_px + 1, x : x + 2 * radius_px + 1]
            averaged[:, y, x] = (window * weights).sum(dim=(1, 2)) / weights.sum()
    return averaged.float()


@pytest.mark.parametrize(("size", "radius_px"), [((11, 14), 1), ((11, 14), 4), ((9, 3), 17), ((1, 1), 2)])
def test_blur_agrees_with_averaging(size, radius_px):
    maps = torch.rand(2, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blur(maps, radius_px), average_pixel_by_pixel(maps, radius_px), atol=2e-6, rtol=0.0)


def test_radius_0_is_the_input():
    maps = torch.rand(2, 5, 6)
    assert blur(maps, 0) is maps


@pytest.mark.parametrize("radius_px", [5, 60, 200])
def test_a_disc_has_the_area_of_its_radius(radius_px):
    disc = soft_disc(radius_px, torch.device("cpu"))
    assert float(disc.sum()) == pytest.approx(1.0, abs=1e-5)
    area = 1.0 / float(disc[radius_px, radius_px])
    assert area == pytest.approx(torch.pi * (radius_px**2 + 2.0), rel=0.03)


def test_an_opaque_plane_hides_and_half_a_plane_mixes():
    behind = torch.tensor([0.2, 0.4, 0.6, 1.0]).view(4, 1, 1).expand(4, 3, 3)
    white = torch.ones(3, 3, 3)
    assert torch.equal(lay_over(behind, white, torch.ones(1, 3, 3), 0), torch.ones(4, 3, 3))
    mixed = lay_over(behind, white, torch.full((1, 3, 3), 0.5), 1)
    torch.testing.assert_close(mixed[:, 1, 1], torch.tensor([0.6, 0.7, 0.8, 1.0]))
