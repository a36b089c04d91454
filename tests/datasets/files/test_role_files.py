import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files.role_files import absent, find_role_file, map_file, plays_a_role


def touch(folder, *names) -> None:
    for name in names:
        (folder / name).touch()


def test_a_file_is_found_by_its_role_in_any_case(tmp_path) -> None:
    touch(tmp_path, "Image.JPG", "disparity.pfm", "notes.txt")
    assert find_role_file(tmp_path, "image").name == "Image.JPG"
    assert find_role_file(tmp_path, "disparity").name == "disparity.pfm"
    assert find_role_file(tmp_path, "target") is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("disparity.png", "disparity.npy"), r"expected one disparity, got disparity\.npy and disparity\.png"),
        (
            ("depth.exr", "disparity.npy"),
            r"expected one map, got disparity\.npy and depth\.exr: name one in scene\.yaml",
        ),
    ],
)
def test_of_several_maps_none_is_guessed(tmp_path, names, message) -> None:
    touch(tmp_path, *names)
    with pytest.raises(DamagedDataError, match=message):
        map_file(tmp_path, {})


def test_the_settings_choose_among_several_maps(tmp_path) -> None:
    touch(tmp_path, "depth.exr", "disparity.npy")
    for role, name in (("depth", "depth.exr"), ("disparity", "disparity.npy")):
        assert map_file(tmp_path, {role: name}) == (role, tmp_path / name)


@pytest.mark.parametrize(
    ("role", "name"),
    [("disparity", "disparity.jp2"), ("depth", "depth.mat"), ("target", "target.avif"), ("image", "image.dng")],
)
def test_a_picture_that_nobody_reads_is_named_with_what_is_read(tmp_path, role, name) -> None:
    touch(tmp_path, name)
    with pytest.raises(DamagedDataError, match=rf"{name}: cannot be read as a .*: readable: \.png, \.jpg"):
        find_role_file(tmp_path, role)


@pytest.mark.parametrize("name", ["target.txt", "target.png.bak", "._target.png", "target.json", "target"])
def test_notes_and_backup_copies_play_no_role(tmp_path, name) -> None:
    touch(tmp_path, name)
    assert find_role_file(tmp_path, "target") is None
    assert not plays_a_role(tmp_path / name)


def test_what_must_be_there_is_asked_for_and_what_stands_in_its_place_named(tmp_path) -> None:
    error = absent(tmp_path, ["disparity", "depth"], "; make one")
    assert isinstance(error, MissingDataError)
    assert "expected disparity.* or depth.* (.png, " in str(error)
    assert str(error).endswith("found none; make one")
    touch(tmp_path, "disparity.jpg2")
    assert "disparity.jpg2: cannot be read as a map of disparity: readable: .png, " in str(
        absent(tmp_path, ["disparity"])
    )


def test_every_known_suffix_plays_a_role(tmp_path) -> None:
    for name in ("image.heic", "disparity.npz", "depth.exr", "target.tif", "image.gif"):
        assert plays_a_role(tmp_path / name)
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "other.png")
    assert not plays_a_role(tmp_path / "other.png")
