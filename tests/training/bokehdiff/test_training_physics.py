"""How the circle of confusion's edge hardens over a training."""

import itertools
import math

import pytest

from bokehbench.training.bokehdiff.training_physics import hardness_at
from bokehbench.training.engine.schedules import progress_at


def test_hardness_goes_from_the_released_codes_first_to_its_last_value():
    assert hardness_at(progress_at(0, 120_000), 3.0, 2.4e5) == pytest.approx(3.0)
    assert hardness_at(progress_at(119_999, 120_000), 3.0, 2.4e5) == pytest.approx(2.4e5)
    assert [round(math.log(h), 1) for h in (3.0, 2.4e5)] == [1.1, 12.4]


def test_slope_of_the_edge_grows_linearly():
    slopes = [math.log(hardness_at(progress_at(step, 11), 3.0, 2.4e5)) for step in range(11)]
    growth = [b - a for a, b in itertools.pairwise(slopes)]
    assert growth == pytest.approx([(math.log(2.4e5) - math.log(3.0)) / 10] * 10)


def test_hardness_of_a_single_step_and_beyond_the_end():
    assert hardness_at(progress_at(0, 1), 3.0, 2.4e5) == pytest.approx(3.0)
    assert hardness_at(progress_at(500, 100), 3.0, 2.4e5) == pytest.approx(2.4e5)
