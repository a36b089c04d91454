import numpy as np
import pytest

from bokehbench.datasets.pairs.pairs import crop_to_multiple, evenly_chosen, read_focus


@pytest.mark.parametrize(("length", "start"), [(8, 0), (9, 1), (10, 1), (11, 2)])
def test_the_crop_is_that_of_the_published_evaluation(length, start) -> None:
    picture = np.arange(length, dtype=np.float32).reshape(length, 1, 1).repeat(4, axis=1)
    np.testing.assert_array_equal(crop_to_multiple(picture, 4)[:, 0, 0], np.arange(start, start + 8))


def test_a_few_are_spread_over_all() -> None:
    items = list(range(100))
    assert evenly_chosen(items, 4) == [12, 37, 62, 87]
    assert evenly_chosen(items, 200) == items
    assert evenly_chosen(items, 100) == items
    assert evenly_chosen([], 3) == []


def test_given_focus_is_read_by_scene(tmp_path) -> None:
    assert read_focus(tmp_path) == {}
    (tmp_path / "focus.json").write_text('{"4412": 0.5, "4413": 1}')
    assert read_focus(tmp_path) == {"4412": 0.5, "4413": 1.0}
