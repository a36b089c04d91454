"""The ray tracer against Mitsuba, in committed pictures; nothing here needs mitsuba.

``python -m bokehbench.datasets.pathtraced.layered_planes --output tests/data/layered_planes`` makes them again.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bokehbench.datasets.files.exr import read_exr
from bokehbench.datasets.pathtraced.layered_planes import (
    BLUR_PARAMETER,
    FOCUS_DEPTHS,
    HEIGHT,
    LAMP_AT,
    LAMP_FOCUS_DEPTH,
    LAMP_SIDE_PX,
    LARGEST_RADIUS_PX,
    PANELS,
    WIDTH,
    layered_scene,
)
from bokehbench.datasets.synthetic.ray_tracer import trace

TRUTH = Path(__file__).resolve().parents[2] / "data" / "layered_planes"


def psnr(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    error = np.clip(first, 0, 1) ** (1 / 2.2) - np.clip(second, 0, 1) ** (1 / 2.2)
    return -10.0 * math.log10(float(np.mean(error.astype(np.float64) ** 2)))


@pytest.mark.parametrize("name", FOCUS_DEPTHS)
def test_the_ray_tracer_agrees_with_mitsuba(name: str) -> None:
    expected = read_exr(TRUTH / f"{name}.exr")
    assert psnr(trace(layered_scene(FOCUS_DEPTHS[name])), expected) > 52.0  # measured: 56.6, 57.4, 67.7


def test_the_agreement_notices_another_lens() -> None:
    scene = layered_scene(FOCUS_DEPTHS["front"])
    for change in ({"blur_strength": 1.15 * scene.blur_strength}, {"focus_disparity": 0.94 * scene.focus_disparity}):
        assert psnr(trace(dataclasses.replace(scene, **change)), read_exr(TRUTH / "front.exr")) < 48.0


def test_the_planes_are_what_they_are_called() -> None:
    scene = layered_scene(FOCUS_DEPTHS["middle"])
    assert scene.blur_strength == BLUR_PARAMETER
    for painted, layer in zip(PANELS, scene.layers, strict=True):
        x, y = (WIDTH - 1) / 2 + painted.at[0] * WIDTH / 2, (HEIGHT - 1) / 2 + painted.at[1] * WIDTH / 2
        assert float(layer.plane.disparity(np.array(x), np.array(y))) == pytest.approx(1.0 / painted.at[2], rel=1e-9)
        assert abs(layer.plane.slope_x) + abs(layer.plane.slope_y) > 1e-5
    assert max(abs(BLUR_PARAMETER * (1 / 7.0 - 1 / 2.2)), 0.0) == pytest.approx(LARGEST_RADIUS_PX)


def test_a_path_traced_lamp_becomes_a_disc_of_the_formula_s_radius() -> None:
    radius = BLUR_PARAMETER * abs(1.0 / LAMP_AT[2] - 1.0 / LAMP_FOCUS_DEPTH)
    light = read_exr(TRUTH / "lamp.exr")[..., 1].astype(np.float64)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    x -= (WIDTH - 1) / 2 + LAMP_AT[0] * WIDTH / 2
    y -= (HEIGHT - 1) / 2 + LAMP_AT[1] * WIDTH / 2
    assert (light * x).sum() / light.sum() == pytest.approx(0.0, abs=0.3)  # some 2000 paths find the lamp
    assert (light * y).sum() / light.sum() == pytest.approx(0.0, abs=0.3)  # some 2000 paths find the lamp
    # Mean square distance: r^2 / 2 of the disc, side^2 / 6 of the square lamp, 1/6 of the pixel.
    spread = (light * (x**2 + y**2)).sum() / light.sum() - (LAMP_SIDE_PX**2 + 1.0) / 6.0
    assert math.sqrt(2.0 * spread) == pytest.approx(radius, rel=0.02)
    assert light[np.hypot(x, y) > radius + 1.5].max() == 0.0
