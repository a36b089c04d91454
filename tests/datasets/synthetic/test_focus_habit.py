"""The focus habit: what counts as a subject."""

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.datasets.synthetic.focus_habit import FocusHabit, centre_of


def square(top, left, side, size=100):
    share = np.zeros((size, size), np.float32)
    share[top : top + side, left : left + side] = 1.0
    return share


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (square(30, 30, 40), True),
        (square(45, 45, 10), False),  # 1 %
        (square(5, 5, 90), False),  # 81 %
        (square(0, 0, 30), False),  # in a corner
    ],
)
def test_a_subject_has_its_size_and_its_place(share, expected):
    assert FocusHabit().takes_as_subject(share) == expected


def test_the_centre_is_that_of_the_visible_share():
    assert centre_of(square(10, 50, 20)) == pytest.approx((0.2, 0.6))


def test_impossible_habits_are_one_line():
    with pytest.raises(InvalidOptionError, match=r"habit\.radius"):
        FocusHabit(radius=(0.1, 0.05))
