import pytest
import torch

from bokehbench.benchmarks.cases import Case
from bokehbench.renderers.errors import InvalidOptionError, UnknownNameError
from bokehbench.robustness.sweep import perturb, plan_severities


def test_default_axis_is_the_papers():
    assert plan_severities(["erode"]) == [("erode", s) for s in range(-10, 11, 2)]


def test_chosen_severities_always_hold_zero_and_are_sorted():
    assert plan_severities(["blur"], [4, 1]) == [("blur", 0), ("blur", 1), ("blur", 4)]


@pytest.mark.parametrize(
    ("names", "severities", "error"),
    [
        (["erode"], [0.5], InvalidOptionError),
        (["blur"], [-1], InvalidOptionError),
        (["erode"], [0], InvalidOptionError),
        (["erodes"], None, UnknownNameError),
    ],
)
def test_impossible_plans_are_refused(names, severities, error):
    with pytest.raises(error):
        plan_severities(names, severities)


def test_case_is_perturbed_by_name_severity_and_seed(make_scene):
    scene = make_scene()

    def noisy(seed):
        return perturb(
            scene, Case(dataset="d", scene=scene.name, renderer="r", perturbation="noise", severity=5, seed=seed)
        ).disparity

    assert torch.equal(noisy(0), noisy(0))
    assert not torch.equal(noisy(0), noisy(1))
