"""From what a user says to focus and blur strength."""

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.photograph.camera import Camera
from bokehbench.photograph.depth import DepthMap
from bokehbench.photograph.lens import Lens, find_focus, find_strength, nearest_subject

RELATIVE = DepthMap(np.tile(np.linspace(0.0, 1.0, 101, dtype=np.float32), (51, 1)), False, "map.png")
METRIC = DepthMap(RELATIVE.disparity, True, "depth.exr")


@pytest.mark.parametrize("point", [(0.25, 0.5), (25, 30)])
def test_a_point_is_in_shares_or_in_px(point):
    focus, subject = find_focus(Lens(point=point), RELATIVE)
    assert focus == pytest.approx(0.25, abs=0.005)
    assert subject == f"the point {point[0]:g},{point[1]:g}"


def test_focus_by_disparity_by_metres_and_by_the_nearest_subject():
    assert find_focus(Lens(disparity=0.3), RELATIVE)[0] == 0.3
    assert find_focus(Lens(depth=4.0), METRIC) == (0.25, "4 m")
    assert find_focus(Lens(), RELATIVE) == (nearest_subject(RELATIVE.disparity), "the nearest subject")


def test_the_nearest_subject_is_in_the_middle_and_no_speck():
    disparity = np.full((100, 100), 0.1, np.float32)
    disparity[90:] = 1.0  # the floor before the photographer's feet
    disparity[40:60, 40:60] = 0.6
    disparity[50, 50:53] = 0.9
    assert nearest_subject(disparity) == pytest.approx(0.6)


def test_the_largest_radius_is_the_one_that_is_asked_for():
    strength = find_strength(Lens(radius_px=12.0), RELATIVE, 0.25, Camera())
    assert strength * 0.75 == pytest.approx(12.0)


def test_an_f_number_blurs_as_the_thin_lens_says():
    """50 mm at f/2 on 36 x 24 mm, 3600 px wide: 25 mm across, and 10 000 px of focal length in 3600 / 36 px a mm."""
    metric = DepthMap(np.array([[0.0, 1.0]], np.float32).repeat(2400, 0).repeat(1800, 1), True, "d")
    strength = find_strength(Lens(f_number=2.0), metric, 0.5, Camera(50.0, 50.0))
    assert strength == pytest.approx(0.0125 * 5000.0, rel=1e-6)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: find_focus(Lens(point=(200, 3)), RELATIVE), "--focus 200,3: expected a point in 101x51 px"),
        (lambda: find_focus(Lens(depth=2.0), RELATIVE), "--focus-depth 2: map.png is not in metres"),
        (lambda: find_strength(Lens(f_number=2.0), RELATIVE, 0.0, Camera(5, 26)), "map.png is not in metres"),
        (lambda: find_strength(Lens(f_number=2.0), METRIC, 0.0, Camera(5)), "its focal length in 35 mm film: give"),
        (lambda: Lens(f_number=0.0), "--f-number: expected a number above 0, got 0"),
        (lambda: Lens(radius_px=-1.0), "--radius: expected 0 px or more, got -1"),
    ],
)
def test_what_cannot_be_focused_or_blurred_is_one_line(ask, message):
    with pytest.raises(InvalidOptionError, match=message):
        ask()
