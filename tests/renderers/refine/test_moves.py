import numpy as np
import pytest

from bokehbench.renderers.refine.alignment import measure_alignment
from bokehbench.renderers.refine.moves import choose_moves, grow, move


@pytest.mark.parametrize("by_px", [-6, 4])
def test_a_map_that_is_off_is_moved_back(discs, by_px):
    picture, disparity = discs
    wrong = grow(disparity, -by_px)
    moved = move(wrong, choose_moves(measure_alignment(picture, wrong), wrong.shape))
    assert (moved != disparity).sum() < 0.15 * (wrong != disparity).sum()


def test_each_part_is_moved_by_its_own_amount(discs):
    picture, disparity = discs
    picture, disparity = np.hstack([picture, picture]), np.hstack([disparity, disparity])
    wrong = disparity.copy()
    wrong[:, :96], wrong[:, 96:] = grow(disparity[:, :96], -4), grow(disparity[:, 96:], 4)
    moves = choose_moves(measure_alignment(picture, wrong), wrong.shape)
    assert 2 <= np.median(moves[20:60, 20:60]) <= 5
    assert -5 <= np.median(moves[20:60, 116:156]) <= -2


def test_a_right_map_and_a_plain_one_stay(discs):
    picture, disparity = discs
    assert not choose_moves(measure_alignment(picture, disparity), disparity.shape).any()
    flat = np.full_like(disparity, 0.5)
    assert not choose_moves(measure_alignment(picture, flat), flat.shape).any()


def test_where_no_picture_speaks_nothing_is_moved(discs):
    _, disparity = discs
    grey = np.full((96, 96, 3), 0.5, np.float32)
    assert not choose_moves(measure_alignment(grey, grow(disparity, -4)), disparity.shape).any()
