import numpy as np

from bokehbench.datasets.motorcycle import MAX_RADIUS_PX, Motorcycle, fill_holes

HOLE = np.nan


def test_holes_take_the_farther_neighbour_of_their_row() -> None:
    disparity = np.array([[5.0, HOLE, HOLE, 2.0, HOLE], [HOLE, 3.0, np.inf, 9.0, 9.0]], np.float32)
    np.testing.assert_array_equal(fill_holes(disparity), [[5, 2, 2, 2, 2], [3, 3, 3, 9, 9]])


def test_rows_without_any_value_take_the_row_above_or_else_below() -> None:
    disparity = np.array([[HOLE, HOLE], [1.0, 2.0], [HOLE, HOLE], [HOLE, 4.0]], np.float32)
    np.testing.assert_array_equal(fill_holes(disparity), [[1, 2], [1, 2], [1, 2], [4, 4]])


def test_values_that_were_measured_stay() -> None:
    disparity = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    holed = np.where(np.random.default_rng(1).random((20, 30)) < 0.3, HOLE, disparity).astype(np.float32)
    filled = fill_holes(holed)
    np.testing.assert_array_equal(filled[np.isfinite(holed)], disparity[np.isfinite(holed)])
    assert np.isfinite(filled).all()


def test_the_stack_is_one_unit_focused_near_to_far() -> None:
    dataset = Motorcycle()
    scenes = [dataset.load(name) for name in dataset.scene_names()]
    assert len({dataset.cluster(scene.name) for scene in scenes}) == 1
    focus = [scene.focus_disparity for scene in scenes]
    assert focus == sorted(focus, reverse=True)
    assert all(scene.target is None for scene in scenes)
    assert max(float(scene.defocus.abs().max()) for scene in scenes) <= MAX_RADIUS_PX
    # The motorcycle's lamp is nearer than the wall behind it.
    assert scenes[0].disparity[0, 150, 540] > scenes[0].disparity[0, 40, 100] + 0.5
