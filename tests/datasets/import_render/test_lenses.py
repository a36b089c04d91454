"""Blur strengths by hand."""

import pytest

from bokehbench.datasets.import_render.lenses import (
    cycles_blur_strength,
    focal_length_px,
    luxcore_blur_strength,
    mitsuba_blur_strength,
    povray_blur_strength,
)


def test_focal_length_of_a_right_angle_is_half_the_side():
    assert focal_length_px(90.0, 640) == pytest.approx(320.0)


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        # 50 mm at f/2: a radius of 12.5 mm; 36 mm on 1800 px: 2500 px of focal length.
        ("AUTO", (1800, 900), 0.0125 * 2500.0),
        ("AUTO", (900, 1800), 0.0125 * 2500.0),  # a portrait: the sensor's width along the height
        ("HORIZONTAL", (900, 1800), 0.0125 * 1250.0),
        ("VERTICAL", (900, 1800), 0.0125 * 50.0 / 24.0 * 1800.0),
    ],
)
def test_cycles(fit, size, expected):
    assert cycles_blur_strength(50.0, 2.0, (36.0, 24.0), fit, size) == pytest.approx(expected)


def test_mitsuba_takes_a_radius_and_the_width():
    assert mitsuba_blur_strength(0.1, 90.0, 400) == pytest.approx(0.1 * 200.0)


@pytest.mark.parametrize("size", [(400, 300), (300, 400)])
def test_luxcore_spans_the_longer_side(size):
    assert luxcore_blur_strength(0.1, 90.0, size) == pytest.approx(0.1 * 200.0)


def test_povray_takes_four_radii():
    assert povray_blur_strength(0.4, 90.0, 400) == pytest.approx(0.1 * 200.0)
