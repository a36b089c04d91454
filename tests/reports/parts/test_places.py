"""Crops are chosen where renders differ, inside the picture."""

import numpy as np
import pytest
from PIL import Image

from bokehbench.reports.parts.places import choose_places, find_places

SIDE = 96


@pytest.fixture
def store(tmp_path):
    def write(name, *patches):
        picture = np.full((SIDE, SIDE, 3), 100, np.uint8)
        for top, left, value in patches:
            picture[top : top + 8, left : left + 8] = value
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        return tmp_path / f"{name}.png"

    return write


def test_the_place_is_where_renders_differ_and_an_unblurred_floor_decides_nothing(store):
    given = store("given", (10, 70, 255))
    renders = [store("identity", (10, 70, 255)), store("one", (70, 10, 200)), store("two")]
    (place, *_) = find_places(renders, given, None, Image.open)
    assert place.x < 0.5 < place.y
    assert place.difference > 0


def test_one_render_is_held_against_the_target(store):
    (place,) = find_places([store("one")], store("given", (0, 0, 9)), store("target", (70, 70, 255)), Image.open)[:1]
    assert min(place.x, place.y) > 0.5


def test_nothing_is_chosen_where_all_are_the_same(store):
    assert find_places([store("one"), store("two")], None, None, Image.open) == []
    assert find_places([store("one")], None, None, Image.open) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (40, 30)])
def test_windows_lie_inside_pictures_of_any_shape(shape):
    places = choose_places(np.random.default_rng(0).random(shape).astype(np.float32))
    assert places
    assert all(0 < place.x < 1 and 0 < place.y < 1 for place in places)
    assert [p.difference for p in places] == sorted((p.difference for p in places), reverse=True)
