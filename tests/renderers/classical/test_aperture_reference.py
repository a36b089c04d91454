"""The specification of shaped spots, against points inside the shape: areas, places, the turn in front of the focus."""

import numpy as np
import pytest

from bokehbench.renderers.classical.aperture import Aperture
from bokehbench.renderers.classical.aperture_reference import scatter_aperture_reference, spot_shares

REACH, FINE = 12, 24
SHAPES = [
    (Aperture(blades=6), (0.0, 0.0)),
    (Aperture(blades=5, rotation_deg=20.0), (0.0, 0.0)),
    (Aperture(cat_eye=0.8), (-0.5, 0.3)),
    (Aperture(blades=7, cat_eye=1.0), (0.6, -0.6)),
]


def covered(defocus_px, centre, aperture):
    """Share of each pixel, by points inside the opening; y downwards."""
    places = (np.arange((2 * REACH + 1) * FINE) + 0.5) / FINE - REACH - 0.5
    u = -places / defocus_px if defocus_px > 0 else places / -defocus_px
    x, y = np.meshgrid(u, u)
    inside = x**2 + y**2 < 1
    for n_x, n_y, distance in aperture.edges:
        inside &= n_x * x + n_y * y < distance
    if aperture.cat_eye:
        inside &= (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < 1
    side = 2 * REACH + 1
    shares = inside.reshape(side, FINE, side, FINE).mean(axis=(1, 3))
    return shares / shares.sum()


@pytest.mark.parametrize(("aperture", "centre"), SHAPES)
@pytest.mark.parametrize("defocus_px", [-9.0, 7.3, 3.2])
def test_a_spot_is_the_opening_turned_in_front_of_the_focus(aperture, centre, defocus_px):
    shares = spot_shares(defocus_px, centre, aperture, REACH)
    expected = covered(defocus_px, centre, aperture)
    assert shares.sum() == pytest.approx(1.0)
    assert np.abs(shares - expected).sum() < 0.04
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    assert [(shares * x).sum(), (shares * y).sum()] == pytest.approx(
        [(expected * x).sum(), (expected * y).sum()], abs=0.03
    )


def test_what_is_in_focus_stays_as_it_is():
    linear = np.random.default_rng(0).random((3, 5, 6))
    assert np.allclose(scatter_aperture_reference(linear, np.full((5, 6), 0.4), Aperture(blades=6)), linear)
