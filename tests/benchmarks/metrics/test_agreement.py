"""What methods guess, against the truth."""

import math

import pytest
import torch

from bokehbench.benchmarks.metrics.agreement import Agreement, compare_radii, judge_guess, sum_up
from bokehbench.renderers.centre_focus import CentreFocusRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.identity import IdentityRenderer


def test_a_right_guess_agrees_and_twice_the_blur_is_a_ratio_of_two():
    true = torch.linspace(0.0, 12.0, 64).expand(1, 32, 64)
    right = compare_radii(true, true)
    assert right == Agreement(1.0, pytest.approx(1.0), 1.0)
    twice = compare_radii(2.0 * true, true)
    assert twice.strength_ratio == pytest.approx(2.0)
    assert twice.in_focus_iou == pytest.approx(0.5, abs=0.05)
    assert compare_radii(12.0 - true, true).rank_correlation == pytest.approx(-1.0)


def test_what_has_nothing_to_compare_is_left_out_of_the_means():
    flat = compare_radii(torch.full((1, 8, 8), 5.0), torch.full((1, 8, 8), 5.0))
    assert math.isnan(flat.rank_correlation)
    assert math.isnan(flat.in_focus_iou)
    assert flat.to_json() == {"in_focus_iou": None, "rank_correlation": None, "strength_ratio": 1.0}
    assert sum_up([flat, Agreement(0.5, 0.2, 3.0)]) == Agreement(0.5, 0.2, 2.0)


def test_the_floors_guess_and_a_renderer_that_is_given_the_lens_does_not(make_scene):
    scene = make_scene(torch.rand(3, 24, 32))
    sharp = float((scene.defocus.abs() <= 2.0).float().mean())
    everything = judge_guess(IdentityRenderer(), scene.image, scene)
    assert everything.in_focus_iou == pytest.approx(sharp)
    assert everything.strength_ratio == 0.0
    assert judge_guess(CentreFocusRenderer(), scene.image, scene).in_focus_iou > 0.0
    assert judge_guess(ScatterRenderer(), scene.image, scene) is None
