import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from bokehbench.core.errors import DamagedDataError, IncompleteDataError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.check import check_dataset, write_check
from bokehbench.datasets.interface import SceneDataset
from bokehbench.renderers.interface import Scene


class Mixed(SceneDataset):
    """Two sound scenes, one absent, one damaged, one whose loader has a bug."""

    name = "mixed"
    protocol = terms = version = "made for this test"

    def scene_names(self):
        return ["one", "two", "absent", "damaged", "bug"]

    def load(self, scene_name):
        if scene_name == "absent":
            raise MissingDataError("absent.png: found none")
        if scene_name == "damaged":
            raise DamagedDataError("damaged.png:\n cannot be read")
        if scene_name == "bug":
            raise ZeroDivisionError("division by zero")
        height = 4 if scene_name == "one" else 6
        disparity = torch.arange(height * 8.0).reshape(1, height, 8)
        image = torch.full((3, height, 8), 0.25)
        target = image * 2 if scene_name == "one" else None
        return Scene(
            name=scene_name,
            image=image,
            disparity=disparity,
            focus_disparity=1.0,
            blur_strength=0.5,
            target=target,
        )


def test_everything_is_counted_and_the_bad_ones_are_named() -> None:
    found = check_dataset(Mixed())
    assert dict(found.states) == {"ok": 2, "missing": 1, "damaged": 2}
    assert not found.is_sound
    assert found.ranges["disparity"] == (0.0, 47.0)
    assert found.ranges["target"] == (0.5, 0.5)
    assert found.ranges["blur radius, px"] == (15.0, 23.0)
    lines = write_check(found).splitlines()
    assert "2 ok, 1 missing, 2 damaged" in lines[1]
    assert "8x4 (1), 8x6 (1)" in lines[2]
    assert "1 of 2" in lines[3]
    assert "blur of one" in lines[-5]
    assert lines[-5].endswith("median radius 7.25 px, largest 15 px")
    named = [line.split()[:2] for line in lines[-3:]]
    assert named == [["missing", "absent"], ["damaged", "damaged"], ["damaged", "bug"]]
    assert lines[-2].endswith("damaged.png: cannot be read")
    assert re.search(r"ZeroDivisionError: division by zero \(test_check\.py, line \d+\)$", lines[-1])


def test_inverted_disparity_of_photographs_is_suspected(tmp_path, miniatures) -> None:
    upright = np.tile(np.linspace(0.0, 1.0, 48, dtype=np.float32)[:, None], (1, 64))
    made = miniatures.make_blurred()
    for index in range(6):
        folder = miniatures.write_user_scene(tmp_path / str(index), made, focus_at=[3, 3], max_radius_px=5)
        np.save(folder / "disparity.npy", upright)
    sound = check_dataset(load_dataset("folder", tmp_path))
    assert (sound.nearer_below, sound.may_be_inverted) == (6, False)
    for index in range(6):
        np.save(tmp_path / str(index) / "disparity.npy", 1.0 - upright)
    inverted = check_dataset(load_dataset("folder", tmp_path))
    assert inverted.may_be_inverted
    assert "MAY BE INVERTED" in write_check(inverted)
    assert inverted.is_sound, "a suspicion is no damage"


def test_an_absent_data_set_is_named_at_once(tmp_path) -> None:
    with pytest.raises(MissingDataError, match="no such folder"):
        check_dataset(load_dataset("ebb", tmp_path))


def test_a_whole_miniature_is_sound(miniature_root) -> None:
    found = check_dataset(load_dataset("ebb", miniature_root))
    assert found.states["ok"] == 294
    assert found.is_sound


class Many(Mixed):
    """More scenes than are shown one by one, each with twice the radius of the one before."""

    def scene_names(self):
        return [f"s{index}" for index in range(30)]

    def load(self, scene_name):
        scene = super().load("one")
        return replace(scene, name=scene_name, blur_strength=0.01 * (1 + int(scene_name[1:])), target=None)


def test_of_many_scenes_the_least_and_the_greatest_blur_are_named() -> None:
    text = write_check(check_dataset(Many()))
    assert "median radius    0.145 px (s0) to 4.35 px (s29)" in text
    assert "largest radius   0.3 px (s0) to 9 px (s29)" in text


class Odd(Mixed):
    """A scene that a plug-in forgot to return, and one of a single row."""

    def scene_names(self):
        return ["nothing", "row"]

    def load(self, scene_name):
        if scene_name == "nothing":
            return None
        scene = super().load("one")
        cut = {name: getattr(scene, name)[:, :1] for name in ("image", "disparity", "target")}
        return replace(scene, name=scene_name, **cut)


def test_what_is_no_scene_is_damaged_and_a_single_row_has_no_halves(recwarn) -> None:
    found = check_dataset(Odd())
    assert dict(found.states) == {"ok": 1, "damaged": 1}
    assert "mixed: load returned NoneType, expected a Scene" in write_check(found)
    assert (found.nearer_below, found.nearer_above) == (0, 0)
    assert not recwarn.list


class Unset(Mixed):
    """A scene without settings."""

    def scene_names(self):
        return ["one", "lake"]

    def load(self, scene_name):
        if scene_name == "lake":
            raise IncompleteDataError("lake: the focus is not set: add it")
        return super().load(scene_name)


def test_what_is_unset_is_not_called_missing() -> None:
    text = write_check(check_dataset(Unset()))
    assert "1 ok, 0 missing, 1 unset, 0 damaged" in text
    assert "unset lake" in text


def test_what_was_passed_over_is_said(tmp_path, miniatures) -> None:
    miniatures.write_user_scene(tmp_path / "kitchen", miniatures.make_blurred(), focus_at=[3, 3], max_radius_px=5)
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip" / "IMG_1.jpg").touch()
    text = write_check(check_dataset(load_dataset("folder", tmp_path)))
    assert "passed over" in text
    assert "trip: no scenes by their names or contents" in text


def test_a_scene_that_calls_itself_otherwise_is_named_as_it_is_listed() -> None:
    class Nameless(Mixed):
        def scene_names(self):
            return ["one"]

        def load(self, scene_name):
            return replace(super().load(scene_name), name="scene")

    found = check_dataset(Nameless())
    assert ("one", "load calls it 'scene': return a Scene of the name asked for") in found.doubts
    assert [*found.radii] == ["one"]
