"""The opening's shape, and the mistakes one can make about it."""

import math

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.classical.aperture import Aperture, parse_blades


@pytest.mark.parametrize("blades", [3, 4, 6, 7])
def test_an_unturned_polygon_has_a_corner_at_the_top_and_all_corners_on_the_circle(blades):
    n_x, n_y, distance = Aperture(blades=blades).edges.T
    angles = math.pi / 2 + 2 * math.pi * np.arange(blades) / blades
    corners = np.stack([np.cos(angles), -np.sin(angles)])  # y grows downwards
    over = np.outer(n_x, corners[0]) + np.outer(n_y, corners[1]) - distance[:, None]
    assert np.allclose(over.max(axis=0), 0.0)


def test_a_rotation_is_anticlockwise():
    corner = np.array([math.cos(math.radians(100)), -math.sin(math.radians(100))])
    n = Aperture(blades=5, rotation_deg=10).edges
    assert np.sort(n[:, :2] @ corner - n[:, 2])[-2:] == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize(("text", "blades"), [("round", 0), ("hexagon", 6), ("octagon", 8), ("9", 9)])
def test_a_shape_has_a_name_or_a_number(text, blades):
    assert parse_blades(text) == blades


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parse_blades("hexagone"), "unknown aperture 'hexagone'. Did you mean hexagon"),
        (lambda: parse_blades("2"), "3 to 30 blades, got 2"),
        (lambda: Aperture(cat_eye=1.5), "cat-eye: expected 0 to 1, got 1.5"),
        (lambda: Aperture(rotation_deg=math.inf), "rotation: expected degrees, got inf"),
    ],
)
def test_what_is_no_aperture_is_refused(make, message):
    with pytest.raises(InvalidOptionError, match=message):
        make()
