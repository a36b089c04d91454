import cv2
import numpy as np

from bokehbench.renderers.refine.colours import compare_colours, number_colours, relabel


def test_colours_of_one_side_alone_say_so(discs):
    picture, disparity = discs
    near = disparity > 0.5
    likeness = compare_colours(number_colours(picture), near, ~near)
    assert likeness[cv2.erode(near.astype(np.uint8), np.ones((5, 5))) > 0].mean() > 0.8
    assert likeness[cv2.dilate(near.astype(np.uint8), np.ones((5, 5))) == 0].mean() < 0.3


def test_colours_of_both_sides_say_nothing():
    bins = number_colours(np.full((64, 64, 3), 0.4, np.float32))
    near = np.zeros((64, 64), np.bool_)
    near[:, 32:] = True
    np.testing.assert_allclose(compare_colours(bins, near, ~near), 0.5, atol=1e-3)


def test_a_thin_part_comes_back_where_edges_grew_and_nowhere_else(discs):
    picture, disparity = (array.copy() for array in discs)
    picture[40:43, 50:66] = picture[40, 40]  # a spoke beside the first disc that the map lacks
    grew = np.full(disparity.shape, 4, np.int8)
    filled = relabel(picture, disparity, grew)
    assert (filled[40:43, 57:64] == np.float32(0.8)).mean() > 0.8
    np.testing.assert_array_equal(relabel(picture, disparity, 0 * grew), disparity)


def test_gaps_open_where_edges_shrank(discs):
    picture, disparity = (array.copy() for array in discs)
    picture[38:42, 30:54] = picture[5:9, 5:29]  # the background, seen through a slit that the map lacks
    opened = relabel(picture, disparity, np.full(disparity.shape, -4, np.int8))
    assert (opened[39:41, 45:54] == np.float32(0.2)).mean() > 0.8
