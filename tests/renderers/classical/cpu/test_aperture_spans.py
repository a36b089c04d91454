"""The compiled kernel of shaped spots against its definition, and against physics."""

import pytest
import torch

from bokehbench.renderers.classical.aperture import Aperture
from bokehbench.renderers.classical.aperture_reference import scatter_aperture_reference
from bokehbench.renderers.classical.cpu.aperture_spans import scatter_aperture

from ..scenes import noise

APERTURES = [
    Aperture(blades=6),
    Aperture(blades=4, rotation_deg=45.0),
    Aperture(blades=3, rotation_deg=10.0, cat_eye=1.0),
    Aperture(cat_eye=0.7),
]


@pytest.mark.parametrize("aperture", APERTURES)
@pytest.mark.parametrize(("height", "width", "largest_px"), [(11, 14, 9.0), (1, 17, 5.0), (11, 1, 4.0), (6, 7, 40.0)])
def test_agrees_with_the_definition(aperture, height, width, largest_px):
    linear, defocus = noise(height, width), largest_px * (2 * noise(height, width, 1)[0] - 1)
    expected = scatter_aperture_reference(linear.double().numpy(), defocus.double().numpy(), aperture)
    result = scatter_aperture(linear, defocus, aperture)
    torch.testing.assert_close(result.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("blades", [3, 4, 6, 9])
def test_light_is_conserved(blades):
    """Everything equally blurred, and far from the border: what a point gives away arrives, once."""
    linear = torch.zeros(3, 64, 64)
    linear[:, 33, 30] = torch.tensor([1.0, 50.0, 0.25])
    for defocus_px in (-9.0, 6.5):
        blurred = scatter_aperture(linear, torch.full((64, 64), defocus_px), Aperture(blades=blades))
        torch.testing.assert_close(blurred.sum(dim=(1, 2)), linear.sum(dim=(1, 2)), rtol=1e-4, atol=0)


@pytest.mark.parametrize("aperture", APERTURES)
def test_a_constant_stays_constant(aperture):
    linear = torch.tensor([0.2, 0.5, 0.9])[:, None, None].expand(3, 20, 26).contiguous()
    blurred = scatter_aperture(linear, 8 * (noise(20, 26)[0] - 0.5), aperture)
    torch.testing.assert_close(blurred, linear, rtol=0, atol=1e-6)


def test_any_number_of_threads_gives_the_same_bits():
    linear, defocus = noise(40, 33), 12 * (noise(40, 33, 1)[0] - 0.5)
    one = scatter_aperture(linear, defocus, APERTURES[0], threads=1)
    assert torch.equal(one, scatter_aperture(linear, defocus, APERTURES[0], threads=3))


def test_a_cat_s_eye_is_cut_towards_the_corner_behind_the_focus_and_away_from_it_in_front():
    linear = torch.zeros(3, 48, 48)
    linear[:, 38, 38] = 1.0
    x = torch.arange(48.0) - 38
    for defocus_px, side in ((-8.0, -1.0), (8.0, 1.0)):
        spot = scatter_aperture(linear, torch.full((48, 48), defocus_px), Aperture(cat_eye=1.0))[0]
        assert side * float((spot * x).sum() / spot.sum()) > 1.0
