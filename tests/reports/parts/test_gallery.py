"""The gallery shows the pictures that were scored, and says where one of them is another or gone."""

import shutil

import pytest
import torch

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.core.files import sha256_of, write_image
from bokehbench.reports.parts.gallery import place_focus
from bokehbench.reports.report import write_report


@pytest.fixture
def copied(typical_folder, tmp_path):
    folder = tmp_path / "default"
    shutil.copytree(typical_folder, folder)
    return folder


def pages(folder):
    index = write_report(StoredRun.open(folder), folder.parent / "reports")
    return index.read_text(encoding="utf-8"), index.with_name("gallery.html").read_text(encoding="utf-8")


def scene_folder(folder):
    return StoredRun.open(folder).folder / StoredRun.open(folder).scenes[0]["folder"]


@pytest.mark.parametrize("name", ["input.png", "disparity.png", "target.png"])
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"no picture"), "has changed since it was scored"),
        (lambda path: write_image(path, torch.zeros(3, 48, 64)), "has changed since it was scored"),
    ],
)
def test_another_picture_of_a_scene_is_named_and_not_shown(copied, typical_report, caplog, name, harm, said):
    shown = (typical_report / "gallery.html").read_text(encoding="utf-8").count("<img")
    harm(scene_folder(copied) / name)
    caplog.clear()
    index, gallery = pages(copied)
    assert gallery.count("<img") < shown
    assert f"/{name} {said}" in index
    assert [f"{name}: {said}" in entry.getMessage() for entry in caplog.records] == [True]


def test_a_scene_without_its_record_is_named(copied, caplog):
    (scene_folder(copied) / "scene.json").write_text("{")
    _, gallery = pages(copied)
    assert "scene 0" not in gallery
    assert "scene.json" in caplog.text
    assert "the gallery lacks this scene" in caplog.text


def test_pictures_of_earlier_versions_are_shown_if_they_can_be_read(copied, caplog):
    """Their scene.json holds no SHA-256."""
    path = scene_folder(copied) / "scene.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index(', "files"'.replace(", ", ",\n "))] + "\n}", encoding="utf-8")
    whole = pages(copied)[1]
    assert not caplog.records
    (path.parent / "input.png").write_bytes(b"no picture")
    assert pages(copied)[1].count("<img") < whole.count("<img")
    assert "input.png: cannot be read" in caplog.text


def test_another_perturbed_disparity_is_named_and_not_shown(swept_folder, tmp_path, caplog):
    folder = tmp_path / "default"
    shutil.copytree(swept_folder, folder)
    run = StoredRun.open(folder)
    path = next(folder / row["disparity"] for row in run.sweep if row["severity"] == 8)
    for row in run.sweep:
        row["disparity_sha256"] = sha256_of(folder / row["disparity"]) if row["disparity"] else None
    for row in run.sweep:
        if row["severity"] == 8:
            (folder / row["disparity"]).write_bytes(path.read_bytes() + b"more")
    page = write_report(run, tmp_path / "reports").with_name("robustness.html").read_text(encoding="utf-8")
    assert "no picture was stored" in page
    assert "disparity-erode-8-7.png has changed since it was scored" in page
    assert "disparity-erode-8-7.png: has changed since it was scored" in caplog.text


def test_a_focus_at_an_end_of_the_map_is_inside():
    """Maps are kept in float32, settings in float64: 0.9 is more than the nearest of a map up to 0.9."""
    nearest = float(torch.tensor(0.9))
    assert place_focus(0.9, 0.1, nearest) == (1.0, "focus at the mark")
    assert place_focus(0.1, float(torch.tensor(0.1)), 0.9)[0] == pytest.approx(0.0)
    assert place_focus(0.92, 0.1, nearest) == (None, "focus in front of everything")
    assert place_focus(0.9, nearest, nearest) == (None, "one depth, in focus")
