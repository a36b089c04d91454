"""Where the schedules begin, what they pass through, where they end."""

import itertools

import pytest
import torch

from bokehbench.training.engine.schedules import learning_rate_factor


def test_learning_rate_warms_up_holds_and_falls():
    factors = [learning_rate_factor(step, 110, warmup=10, hold=0.5) for step in range(111)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert factors[10:61] == [1.0] * 51
    assert factors[85] == pytest.approx(0.5)  # the middle of the fall
    assert all(a > b for a, b in itertools.pairwise(factors[60:]))
    assert factors[110] == pytest.approx(0.0, abs=1e-12)


def test_without_warm_up_and_hold_it_is_torchs_cosine():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    for step in range(21):
        assert learning_rate_factor(step, 20, 0, 0.0) == pytest.approx(cosine.get_last_lr()[0], abs=1e-12)
        optimiser.step()
        cosine.step()


def test_the_rate_never_rises_again_after_the_end():
    assert learning_rate_factor(500, 20, 0, 0.5) == pytest.approx(0.0, abs=1e-12)
    assert learning_rate_factor(3, 2, 5, 0.0) == pytest.approx(4 / 6)  # stopped within the warm-up
