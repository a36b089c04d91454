"""Whatever lies in a folder of users' scenes costs its own scene alone, or is passed over."""

import os
import re
import shutil
from pathlib import Path

import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.check import check_dataset, write_check

from .conftest import LENS


@pytest.mark.parametrize("name", ["scene.yaml", "image.png", "disparity.npy", "target.png"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "dangling"])
def test_what_is_no_file_costs_its_scene_only(scene_folder, miniatures, made, name, kind) -> None:
    miniatures.write_user_scene(scene_folder.parent / "sound", made, **LENS)
    path = scene_folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else path.with_name("gone"))
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.scene_names() == ["kitchen", "sound"]
    with pytest.raises(MissingDataError, match="kitchen"):
        dataset.load("kitchen")
    assert dataset.load("sound").name == "sound"


def test_folders_that_cannot_be_looked_into_are_one_failed_case_each(scene_folder, monkeypatch) -> None:
    root = scene_folder.parent
    (root / "locked").mkdir()
    (root / "moved").symlink_to(root / "gone")
    (root / "circle").symlink_to(root / "circle")
    real = Path.iterdir

    def iterdir(path):  # root may read everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    dataset = load_dataset("folder", root)
    assert dataset.scene_names() == ["kitchen", "circle", "locked", "moved"]
    for name, message in (("locked", "Permission denied"), ("moved", "leads nowhere"), ("circle", "leads nowhere")):
        assert dataset.has_target(name), "a run shall name the damage"
        with pytest.raises(DamagedDataError, match=rf"{name}: .*{message}"):
            dataset.load(name)
    assert dataset.load("kitchen").name == "kitchen"


def test_any_name_of_a_folder_becomes_a_printable_one(scene_folder) -> None:
    names = ["a\nb", "\x1b[31mred", "\u202etxt", "caf\udce9"]
    for name in names:
        os.makedirs(scene_folder.parent / name)
        for file in scene_folder.iterdir():
            (scene_folder.parent / name / file.name).write_bytes(file.read_bytes())
    dataset = load_dataset("folder", scene_folder.parent)
    assert sorted(dataset.scene_names()) == sorted(["kitchen", r"a\nb", r"\x1b[31mred", r"\u202etxt", r"caf\udce9"])
    for name in dataset.scene_names():
        assert dataset.load(name).name == name


def test_leftovers_and_notes_are_no_scenes_and_doubtful_ones_are_noted(scene_folder, miniatures, made) -> None:
    root = scene_folder.parent
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "._kitchen"):
        (root / name).write_text("x")
        (scene_folder / name).write_text("x")
    for name in ("kitchen.bak", "kitchen~", "__MACOSX"):
        miniatures.write_user_scene(root / name, made, **LENS)
    (scene_folder / "._image.png").write_text("x")
    (scene_folder / "scene.yaml~").write_text("x: [")
    (scene_folder / "image (1).png").write_bytes((scene_folder / "image.png").read_bytes())
    (root / "trip").mkdir()
    (root / "trip" / "IMG_1.jpg").write_text("x")
    (root / "ebb" / "original").mkdir(parents=True)
    (root / "stray.png").write_text("x")
    dataset = load_dataset("folder", root)
    assert dataset.scene_names() == ["kitchen"]
    assert dataset.load("kitchen").name == "kitchen"
    assert dataset.passed_over == ["stray.png", "trip"]


def test_scenes_of_one_photograph_are_no_independent_evidence(scene_folder, miniatures) -> None:
    """Another focus or blur strength over the same picture makes another scene, not another photograph."""
    root = scene_folder.parent
    shutil.copytree(scene_folder, root / "kitchen near")
    miniatures.write_user_scene(root / "lake", miniatures.make_blurred(seed=3), **LENS)
    dataset = load_dataset("folder", root)
    assert [dataset.cluster(name) for name in dataset.scene_names()] == ["kitchen", "kitchen", "lake"]
    assert dataset.cluster("elsewhere") == "elsewhere"


def test_pictures_that_no_part_of_a_scene_is_called_after_are_named(scene_folder, miniatures, made) -> None:
    root = scene_folder.parent
    (scene_folder / "target.png").rename(scene_folder / "targt.png")
    garden = miniatures.write_user_scene(root / "garden", made, **LENS)
    (garden / "disparity.npy").rename(garden / "disparty.npy")
    lake = miniatures.write_user_scene(root / "lake", made, **LENS, image="photo.png")
    (lake / "image.png").rename(lake / "photo.png")
    found = check_dataset(load_dataset("folder", root))
    assert found.unread == ["garden/disparty.npy", "kitchen/targt.png"]
    text = write_check(found)
    assert "garden/disparty.npy, kitchen/targt.png: called after no part of a scene" in text
    assert re.search(r"targets +1 of 2, none of kitchen", text)
    assert "found none, but disparty.npy: rename it, or name it in scene.yaml" in text
