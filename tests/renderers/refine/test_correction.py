import numpy as np

from bokehbench.renderers.refine.correction import correct
from bokehbench.renderers.refine.moves import grow


def test_a_wrong_map_comes_close_to_the_true_one(discs):
    picture, disparity = discs
    wrong = grow(disparity, 5)
    found = correct(picture, wrong, threads=2)
    assert (abs(found.disparity - disparity) > 0.1).sum() < 0.15 * (abs(wrong - disparity) > 0.1).sum()
    assert found.moves.min() < 0
    np.testing.assert_array_equal(found.disparity, correct(picture, wrong).disparity)


def test_a_right_map_is_the_same_to_the_bit(discs):
    picture, disparity = discs
    assert correct(picture, disparity).disparity is disparity
    flat = np.full_like(disparity, 0.5)
    assert correct(picture, flat).disparity is flat


def test_what_is_brighter_than_white_counts_as_white(discs):
    picture, disparity = discs
    bright = np.where(disparity[..., None] > 0.5, 1000 * picture, picture)
    bright[:20, :20] = 1000
    wrong = grow(disparity, 5)
    found = correct(bright, wrong).disparity
    np.testing.assert_array_equal(found, correct(np.clip(bright, 0, 1), wrong).disparity)
