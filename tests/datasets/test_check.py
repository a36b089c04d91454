import numpy as np
import pytest
import torch

from bokehbench.core.errors import DamagedDataError, MissingDataError
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
    named = [line.split()[:2] for line in lines[-3:]]
    assert named == [["missing", "absent"], ["damaged", "damaged"], ["damaged", "bug"]]
    assert lines[-2].endswith("damaged.png: cannot be read")
    assert lines[-1].endswith("ZeroDivisionError: division by zero")


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


def test_an_absent_data_set_is_told_at_once(tmp_path) -> None:
    with pytest.raises(MissingDataError, match="no such folder"):
        check_dataset(load_dataset("ebb", tmp_path))


def test_a_whole_miniature_is_sound(miniature_root) -> None:
    found = check_dataset(load_dataset("ebb", miniature_root))
    assert found.states["ok"] == 294
    assert found.is_sound
