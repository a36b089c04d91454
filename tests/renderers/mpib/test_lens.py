"""Disparity on the planes' scale, and the discs of the planes."""

import pytest
import torch

from bokehbench.renderers.mpib.lens import PLANES, Lens, fit_lens


def test_defocus_is_the_same_on_the_planes_scale(make_scene):
    scene = make_scene(disparity=torch.linspace(-3.0, 5.0, 24 * 32).reshape(1, 24, 32), focus_disparity=6.0)
    lens = fit_lens(scene)
    scaled = (scene.disparity - lens.low) / (lens.high - lens.low)
    assert (float(scaled.min()), float(scaled.max())) == (0.0, 1.0)
    torch.testing.assert_close(lens.strength * (scaled - lens.focus), scene.defocus)


@pytest.mark.parametrize(("focus", "strength"), [(0.0, 3.0), (1.5, 6.0), (-1.0, 9.0), (0.5, 6.0)])
def test_a_map_of_one_value_keeps_its_defocus(make_scene, focus, strength):
    scene = make_scene(disparity=torch.full((1, 24, 32), 0.5), focus_disparity=focus, blur_strength=6.0)
    lens = fit_lens(scene)
    assert lens.strength == strength
    assert lens.strength * ((0.5 - lens.low) / (lens.high - lens.low) - lens.focus) == 6.0 * (0.5 - focus)


def test_the_plane_of_the_focus_is_sharp_and_others_count_from_their_nearer_end():
    radii = Lens(0.0, 1.0, focus=0.25 + 0.5 / PLANES, strength=64.0).radii_px
    assert radii[8] == 0
    assert radii[7] == radii[9] == 1  # |1/32| - 1/64, times 64
    assert radii[0] == 15
    assert radii[-1] == 45
    assert Lens(0.0, 1.0, focus=0.5, strength=0.0).radii_px == [0] * PLANES


def test_what_counts_against_the_limit_is_the_strength_and_every_plane():
    assert Lens(0.0, 1.0, focus=0.5, strength=201.0).largest_px == 201.0
    assert Lens(0.0, 1.0, focus=-4.0, strength=50.0).largest_px == 248
