"""The committed path-traced scenes, their layout, and the recipes; nothing here needs mitsuba."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError, MissingDataError
from bokehbench.datasets.blb.files import read_blb_scene
from bokehbench.datasets.files.exr import read_exr, write_exr
from bokehbench.datasets.pathtraced.__main__ import main
from bokehbench.datasets.pathtraced.dataset import PathTraced
from bokehbench.datasets.pathtraced.objects import Card
from bokehbench.datasets.pathtraced.traced_scenes import KINDS, make_traced_scene

TRUTH = Path(__file__).resolve().parents[2] / "data" / "pathtraced"
SCENES = sorted(TRUTH.iterdir())


def test_one_scene_of_each_kind_below_three_megabytes():
    kinds = [json.loads((folder / "info.json").read_text())["made_with"]["kind"] for folder in SCENES]
    assert kinds == list(KINDS)
    assert sum(file.stat().st_size for file in TRUTH.rglob("*.*")) < 3e6


@pytest.mark.parametrize("folder", SCENES, ids=lambda folder: folder.name)
@pytest.mark.parametrize("focus", [0, 1])
def test_scene_reads_and_fits_its_description(folder, focus):
    scene = read_blb_scene(folder, 0, focus)
    assert (scene.height, scene.width) == (108, 144)
    span = float(scene.disparity.max() - scene.disparity.min()) * scene.blur_strength
    assert span == pytest.approx(6.0, abs=1e-3)
    sharp = scene.defocus[0].abs() < 0.3
    if focus == 0:
        assert float((scene.target - scene.image).abs()[:, sharp].median()) < 0.05
    assert scene.target.shape == scene.image.shape


def test_the_program_is_named_once_however_often_scenes_are_loaded(tmp_path):
    folder = tmp_path / "pathtraced" / "100"
    shutil.copytree(SCENES[0], folder)
    info = json.loads((folder / "info.json").read_text()) | {"engine": "Mitsuba 3.9.1"}
    (folder / "info.json").write_text(json.dumps(info))
    dataset = PathTraced(data_root=tmp_path)
    for name in dataset.scene_names():
        dataset.load(name)
    assert dataset.protocol.startswith("path-traced by Mitsuba 3.9.1 through a thin lens; ")


def test_level_out_of_range():
    with pytest.raises(InvalidOptionError, match=r"expected level < 1 .* and focus < 2 .*, got 1 and 0"):
        read_blb_scene(SCENES[0], 1, 0)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(MissingDataError, match=r"info\.json: expected the scene's description"):
        read_blb_scene(tmp_path, 0, 0)
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    with pytest.raises(MissingDataError, match=r"broken\.exr"):
        read_exr(tmp_path / "broken.exr")
    with pytest.raises(MissingDataError, match="found none"):
        read_exr(tmp_path / "absent.exr")


@pytest.mark.parametrize("shape", [(7, 9, 3), (7, 9)])
def test_exr_round_trip(tmp_path, shape):
    picture = np.random.default_rng(0).random(shape).astype(np.float16)
    write_exr(tmp_path / "a.exr", picture)
    role = "picture" if len(shape) == 3 else "depth"
    assert np.array_equal(read_exr(tmp_path / "a.exr", role).reshape(shape), picture.astype(np.float32))
    assert [file.name for file in tmp_path.iterdir()] == ["a.exr"]


def test_recipes_are_deterministic():
    one, two = make_traced_scene(1), make_traced_scene(1)
    cards = [(a, b) for a, b in zip(one.objects, two.objects, strict=True) if isinstance(a, Card)]
    assert cards
    for a, b in cards:
        assert a.at == b.at
        assert np.array_equal(a.texture, b.texture)
        assert a.alpha is None or np.array_equal(a.alpha, b.alpha)


@pytest.mark.skipif(importlib.util.find_spec("mitsuba") is not None, reason="mitsuba is installed")
def test_without_mitsuba_one_line_says_what_to_do(tmp_path, capsys):
    assert main(["--output", str(tmp_path)]) == 2
    assert "pip install" in capsys.readouterr().err


def test_finished_scenes_are_not_rendered_again(capsys):
    """Runs without mitsuba only because nothing is left to do."""
    before = {file: file.stat().st_mtime_ns for file in TRUTH.rglob("*.exr")}
    size = ["--width", "144", "--height", "108", "--samples", "256", "--radii", "6"]
    assert main(["--output", str(TRUTH), *size]) == 0
    assert before == {file: file.stat().st_mtime_ns for file in TRUTH.rglob("*.exr")}


@pytest.mark.parametrize("radius", ["nan", "inf", "0"])
def test_radii_that_are_none_are_refused(radius, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path), "--radii", "4", radius])
    assert "expected positive numbers" in capsys.readouterr().err


def test_the_python_of_an_engine_that_is_not_used_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path), "--bpy-python", "python3"])
    assert "--bpy-python has a meaning only with --engine cycles" in capsys.readouterr().err
