import json
import os

import huggingface_hub
import numpy as np
import pytest

from bokehbench.core import fetch as fetch_module
from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.pairs.realbokeh import main
from bokehbench.datasets.pairs.strength_file import Strength, write_strength

F_NUMBERS = (8.0, 2.0, 4.0)


@pytest.fixture
def folder(tmp_path, miniatures):
    """Test scenes 2 and 11 at three apertures, validation scene 7 and train scene 1; 49 rows, 66 columns."""
    made = {f: miniatures.make_blurred(49, 66, strength=16.0 / f) for f in F_NUMBERS}
    for split, number in (("test", 11), ("test", 2), ("validation", 7), ("train", 1)):
        miniatures.write_realbokeh_scene(tmp_path / "realbokeh", split, number, made)
    return tmp_path / "realbokeh"


def change(folder, **entries) -> None:
    path = folder / "test/metadata/2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_every_aperture_of_the_test_split_is_a_scene(folder) -> None:
    dataset = load_dataset("realbokeh", folder.parent)
    assert dataset.scene_names() == ["2-f2", "2-f4", "2-f8", "11-f2", "11-f4", "11-f8"]
    assert {dataset.cluster(name) for name in dataset.scene_names()} == {"2", "11"}
    binary = load_dataset("realbokeh-binary", folder.parent)
    assert binary.scene_names() == ["2-f2", "11-f2"]
    assert "f/2.0 only" in binary.protocol
    assert "every wider aperture" in dataset.protocol


def test_a_scene_is_read_to_known_numbers(folder, miniatures) -> None:
    made = miniatures.make_blurred(49, 66, strength=4.0)
    scene = load_dataset("realbokeh", folder.parent).load("2-f4")
    assert (scene.height, scene.width) == (49, 66)
    assert np.abs(scene.image.permute(1, 2, 0).numpy() - made.image).mean() < 0.01
    assert np.abs(scene.target.permute(1, 2, 0).numpy() - made.target).mean() < 0.01
    np.testing.assert_array_equal(scene.disparity[0].numpy(), (made.disparity - 1.0) / 2.0)


def test_blur_is_proportional_to_one_over_the_f_number_with_one_focus(folder) -> None:
    write_strength(folder, Strength(16.0))
    dataset = load_dataset("realbokeh", folder.parent)
    scenes = [dataset.load(f"11-f{f:g}") for f in (2, 4, 8)]
    assert [scene.blur_strength for scene in scenes] == [16.0, 8.0, 4.0]
    assert [scene.f_number for scene in scenes] == [2.0, 4.0, 8.0]
    assert {scene.focus_disparity for scene in scenes} == {1.0}


@pytest.mark.parametrize("f_number", [2.0, 4.0])
def test_a_points_disc_has_the_radius_of_the_formula(tmp_path, miniatures, f_number) -> None:
    light = miniatures.make_point_light()
    miniatures.write_realbokeh_scene(tmp_path / "realbokeh", "test", 5, {2.0: light, 4.0: light})
    write_strength(tmp_path / "realbokeh", Strength(12.0))
    scene = load_dataset("realbokeh", tmp_path).load(f"5-f{f_number:g}")
    assert miniatures.measure_disc(scene) == pytest.approx(12.0 * 2.0 / f_number, abs=0.4)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"target_images": ["../../../secret.jpg"] * 3}, "expected a path inside"),
        ({"source_image": "/etc/passwd"}, "expected a path inside"),
        ({"target_images": ["gt/2/2_f2.0.JPG"]}, "of the same length"),
        ({"target_images": "gt/2/2_f2.0.JPG"}, "expected lists"),
        ({"target_avs": ["wide", 2.0, 4.0]}, "expected f-numbers above 0, got 'wide'"),
        ({"target_avs": [0, 2.0, 4.0]}, "expected f-numbers above 0, got 0"),
        ({"target_avs": [2.0, 2.0, 4.0]}, "expected each f-number once"),
    ],
)
def test_damaged_metadata_cost_their_scene_only(folder, entries, message) -> None:
    change(folder, **entries)
    dataset = load_dataset("realbokeh", folder.parent)
    assert dataset.scene_names() == ["11-f2", "11-f4", "11-f8", "2"]
    assert dataset.cluster("2") == "2"
    with pytest.raises(DamagedDataError, match=rf"2\.json: .*{message}"):
        dataset.load("2")
    assert dataset.load("11-f2").name == "11-f2"


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "{}", "\xff\xfe", "[" * 100_000])
def test_malformed_metadata_are_named(folder, content) -> None:
    (folder / "test/metadata/2.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DamagedDataError, match=r"2\.json"):
        load_dataset("realbokeh", folder.parent).load("2")


def test_f_numbers_may_be_text(folder) -> None:
    change(folder, target_avs=["8.0", "2.0", "4"])
    assert load_dataset("realbokeh", folder.parent).load("2-f4").blur_strength == 22.5


def test_a_missing_picture_is_named(folder) -> None:
    (folder / "test/gt/2/2_f4.0.JPG").unlink()
    dataset = load_dataset("realbokeh", folder.parent)
    with pytest.raises(MissingDataError, match=r"2_f4\.0\.JPG: expected a picture, found none"):
        dataset.load("2-f4")
    assert dataset.load("2-f8").name == "2-f8"


def test_held_out_scenes_are_those_of_the_other_splits(folder) -> None:
    dataset = load_dataset("realbokeh", folder.parent)
    assert [pair.name for pair in dataset.find_held_out()] == ["validation-7-f2", "train-1-f2"]
    for path in folder.rglob("*.npy"):
        path.unlink()
    made = [path.relative_to(folder).as_posix() for _, path in dataset.disparity_jobs(1)]
    assert made == ["test/disparity/2.npy", "test/disparity/11.npy", "train/disparity/1.npy"]


def test_absent_data_name_the_command(tmp_path) -> None:
    command = r"python -m bokehbench\.datasets\.pairs\.realbokeh --download"
    with pytest.raises(MissingDataError, match=command):
        load_dataset("realbokeh", tmp_path).prepare()
    (tmp_path / "realbokeh").mkdir()
    with pytest.raises(MissingDataError, match=rf"metadata: no such folder: .*{command}"):
        load_dataset("realbokeh", tmp_path).prepare()


def test_the_download_asks_the_hub_for_the_test_split_only(tmp_path, monkeypatch, capsys) -> None:
    calls = []
    monkeypatch.setattr(fetch_module, "_ask", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: calls.append((a, k)) or k["local_dir"])
    assert main(["--download", "--data-root", str(tmp_path)]) == 0
    (arguments, options) = calls[0]
    assert arguments == ("timseizinger/RealBokeh_3MP",)
    assert options["repo_type"] == "dataset"
    assert options["allow_patterns"] == ["README.md", "test/*"]
    assert options["local_dir"] == tmp_path / "realbokeh"
    assert "CC BY-NC-SA 4.0" in capsys.readouterr().out


def test_a_failed_download_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    def fail(*_, **__):
        raise OSError("no\nnetwork")

    monkeypatch.setattr(fetch_module, "_ask", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    assert main(["--download", "--data-root", str(tmp_path)]) == 2
    assert "cannot be fetched from the Hugging Face hub (no network)" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([])


def test_a_named_pipe_costs_its_scene_only(folder) -> None:
    (folder / "test/metadata/2.json").unlink()
    os.mkfifo(folder / "test/metadata/2.json")
    dataset = load_dataset("realbokeh", folder.parent)
    assert dataset.scene_names() == ["11-f2", "11-f4", "11-f8", "2"]
    with pytest.raises(DamagedDataError, match=r"2\.json: .* it is a named pipe, not a file"):
        dataset.load("2")


def test_leftovers_and_copies_are_no_scenes(folder) -> None:
    metadata = folder / "test/metadata"
    for name in ("._2.json", ".2.json", "2.json~", "2.json.bak", "notes.txt", "2 (copy).json", "notes.json"):
        (metadata / name).write_bytes((metadata / "2.json").read_bytes())
    dataset = load_dataset("realbokeh", folder.parent)
    assert dataset.scene_names() == ["2-f2", "2-f4", "2-f8", "11-f2", "11-f4", "11-f8"]
    assert sorted(dataset.passed_over) == ["2 (copy).json", "notes.json"]
