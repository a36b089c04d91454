"""The condition: the authors' arithmetic on 8 bits, and the same without."""

import dataclasses

import numpy as np
import pytest
import torch

from bokehbench.renderers.magicbokeh.release.defocus import condition_of, largest_radius_px


@pytest.fixture
def scene(make_scene):
    disparity = torch.linspace(-1.0, 3.0, 24 * 32).reshape(1, 24, 32)
    return make_scene(disparity=disparity, focus_disparity=0.7, blur_strength=6.0)


def test_condition_is_the_programs(scene):
    """Its statements in numpy: disparity to [0,1], 8 bits by truncation, |d - focus| K / 32 with K over the range."""
    unit = (scene.disparity.numpy() + 1.0) / 4.0
    eight = (unit * 255).astype(np.uint8) / 255.0
    focus = np.floor((0.7 + 1.0) / 4.0 * 255) / 255.0
    expected = np.abs(eight - focus) * (6.0 * 4.0) / 32.0
    assert np.abs(condition_of(scene, quantise=True).numpy() - expected).max() < 1.01 / 255 * 24 / 32
    assert np.median(np.abs(condition_of(scene, quantise=True).numpy() - expected)) < 1e-6


def test_without_rounding_it_is_the_radius_over_32_px(scene):
    exact = condition_of(scene, quantise=False)
    torch.testing.assert_close(32.0 * exact, scene.defocus.abs())
    assert float((condition_of(scene, quantise=True) - exact).abs().max()) <= 1.01 / 255 * 24 / 32
    assert largest_radius_px(scene) == pytest.approx(6.0 * 2.3)


@pytest.mark.parametrize("quantise", [True, False])
def test_one_plane_out_of_focus_and_no_blur(make_scene, quantise):
    flat = make_scene(disparity=torch.full((1, 24, 32), 2.0), focus_disparity=1.0, blur_strength=8.0)
    torch.testing.assert_close(condition_of(flat, quantise), torch.full((1, 24, 32), 0.25))
    none = dataclasses.replace(flat, blur_strength=0.0)
    assert float(condition_of(none, quantise).max()) == 0.0
