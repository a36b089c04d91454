import math

import pytest
import torch

from bokehbench.core.errors import InvalidSceneError
from bokehbench.core.scene import MOST_DIAGONALS

DIAGONAL_PX = math.hypot(24, 32)


@pytest.mark.parametrize(
    "fields",
    [
        {"blur_strength": 1e7},
        {"blur_strength": 1e9},
        {"blur_strength": 1e308},
        {"focus_disparity": 128.0},  # of a map scaled to [0, 1]
        {"focus_disparity": -1e300, "blur_strength": 1e300},
        {"disparity": torch.linspace(-1e6, 1e6, 24 * 32).reshape(1, 24, 32)},
    ],
)
def test_blur_beyond_some_diagonals_is_refused_for_every_renderer(make_scene, fields):
    with pytest.raises(InvalidSceneError, match=r"blur radius: expected at most 160 px \(4 diagonals of the picture\)"):
        make_scene(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"disparity": torch.full((1, 24, 32), -3e38), "focus_disparity": 3e38, "blur_strength": 0.0},
        {"disparity": 1e-40 * torch.rand(1, 24, 32), "focus_disparity": 0.0, "blur_strength": 5e40},  # 5 px
        {"focus_disparity": -1e300, "blur_strength": 5e-300},
    ],
)
def test_blur_in_numbers_beyond_float32_is_refused(make_scene, fields):
    with pytest.raises(InvalidSceneError, match=r"expected numbers that float32 holds, got .* common size"):
        make_scene(**fields)


def test_the_limit_is_some_diagonals(make_scene):
    strength = MOST_DIAGONALS * DIAGONAL_PX / 0.6
    assert make_scene(blur_strength=strength * 0.999).defocus.abs().max() == pytest.approx(160.0, rel=0.01)
    with pytest.raises(InvalidSceneError):
        make_scene(blur_strength=strength * 1.001)


@pytest.mark.parametrize("value", [10**400, -(10**400), "0.5", None, math.inf, math.nan, [1.0]])
@pytest.mark.parametrize("field", ["focus_disparity", "blur_strength", "gamma"])
def test_what_is_no_number_is_refused_in_one_line(make_scene, field, value):
    with pytest.raises(InvalidSceneError, match=f"{field}: expected a number in") as caught:
        make_scene(**{field: value})
    assert len(str(caught.value)) < 150
