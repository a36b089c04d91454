import dataclasses
import math

import pytest
import torch

from bokehbench.benchmarks.metrics.pixelwise import PSNR_CAP_DB, EdgePsnr, FocusPsnr, Psnr


def test_one_level_of_error_everywhere_is_48_13_db(make_scene):
    scene = make_scene(torch.full((3, 8, 9), 100 / 255))
    assert Psnr().score(torch.full((3, 8, 9), 101 / 255), scene) == pytest.approx(20 * math.log10(255), abs=1e-3)


def test_black_against_white_is_0_db(make_scene):
    assert Psnr().score(torch.zeros(3, 8, 9), make_scene(torch.ones(3, 8, 9))) == pytest.approx(0.0, abs=1e-6)


def test_the_error_is_averaged_over_the_channels_before_the_logarithm(make_scene):
    prediction = torch.zeros(3, 4, 4)
    prediction[0] = 51 / 255
    expected = -10 * math.log10(0.2**2 / 3)
    assert Psnr().score(prediction, make_scene(torch.zeros(3, 4, 4))) == pytest.approx(expected, abs=1e-4)


def test_highlights_above_1_are_clipped(make_scene):
    assert Psnr().score(torch.ones(3, 4, 4), make_scene(torch.full((3, 4, 4), 7.0))) == PSNR_CAP_DB


def test_a_single_wrong_value_in_a_large_image_does_not_pass_the_cap(make_scene):
    scene = make_scene(torch.zeros(3, 1024, 1024))
    prediction = scene.target.clone()
    prediction[0, 0, 0] = 1 / 255
    assert Psnr().score(prediction, scene) == PSNR_CAP_DB


def test_focus_looks_at_the_sharp_half_only(make_scene):
    scene = make_scene(torch.zeros(3, 20, 40), jump_px=6.0)
    blurred_half_wrong = torch.zeros(3, 20, 40)
    blurred_half_wrong[:, :, 20:] = 1.0
    assert FocusPsnr().score(blurred_half_wrong, scene) == PSNR_CAP_DB
    assert FocusPsnr().score(1.0 - blurred_half_wrong, scene) == pytest.approx(0.0, abs=1e-6)


def test_edge_looks_only_as_far_as_the_blur_reaches(make_scene):
    scene = make_scene(torch.zeros(3, 20, 40), jump_px=6.0)  # edge pixels in columns 19 and 20: reaches 13 to 26
    far, near = torch.zeros(3, 20, 40), torch.zeros(3, 20, 40)
    far[:, :, :13] = 1.0
    far[:, :, 27:] = 1.0
    near[:, :, 13] = 1.0
    assert EdgePsnr().score(far, scene) == PSNR_CAP_DB
    assert EdgePsnr().score(near, scene) == pytest.approx(10 * math.log10(14), abs=1e-4)


def test_no_focus_and_no_edge_give_none(make_scene):
    image = torch.zeros(3, 20, 40)
    flat_and_blurred = dataclasses.replace(make_scene(image), disparity=torch.ones(1, 20, 40))
    assert FocusPsnr().score(image, flat_and_blurred) is None
    assert EdgePsnr().score(image, flat_and_blurred) is None
