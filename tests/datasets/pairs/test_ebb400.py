import json
import shutil

import numpy as np
import pytest
import torch

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.core.files import sha256_of
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.pairs import ebb400
from bokehbench.robustness.perturbations.registry import load_perturbation


@pytest.fixture(scope="module")
def made(tmp_path_factory, miniatures):
    """Three pairs, degraded by the command; the disparity of the low-quality pictures is the true one."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "ebb400"
    for number in (7, 12, 3):
        miniatures.write_ebb_pair(folder, number, miniatures.make_blurred(strength=6.0, seed=number))
    assert ebb400.main(["--data-root", str(root)]) == 0
    shutil.copytree(folder / "disparity", folder / "low_quality/disparity")
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "data")


def test_clean_pairs_are_those_that_are_there(root):
    dataset = load_dataset("ebb400", root)
    assert dataset.scene_names() == ["12", "3", "7"]
    scene = dataset.load("12")
    assert (scene.focus_disparity, scene.blur_strength, scene.f_number) == (1.0, 30.0, 1.8)


def test_low_quality_is_the_degraded_picture_of_the_same_pair(root):
    clean, poor = (load_dataset(name, root).load("7") for name in ("ebb400", "ebb400-lq"))
    assert torch.equal(clean.target, poor.target)
    assert (clean.focus_disparity, clean.image.shape) == (poor.focus_disparity, poor.image.shape)
    assert float((clean.image - poor.image).abs().mean()) > 0.03
    swept = load_perturbation("degrade").apply(clean, 4)
    assert torch.equal(swept.image, poor.image)
    assert "Real-ESRGAN" in load_dataset("ebb400-lq", root).protocol


def test_the_command_goes_on_where_it_stopped(root):
    folder = root / "ebb400/low_quality"
    manifest = json.loads((folder / "manifest.json").read_text())
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    (folder / "3.png").unlink()
    assert ebb400.main(["--data-root", str(root)]) == 0
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    assert {name for name in before if before[name] != after[name]} == {"3.png"}
    assert {name: sha256_of(folder / f"{name}.png") for name in manifest["pictures"]} == {
        name: one["low_quality"] for name, one in manifest["pictures"].items()
    }


@pytest.mark.parametrize("file", ["original/7.jpg", "low_quality/7.png"])
def test_another_picture_than_the_manifests_is_named(root, file):
    contents = load_dataset("ebb400-lq", root).contents(["7", "3"])
    shutil.copy(root / "ebb400" / file.replace("7.", "3."), root / "ebb400" / file)
    dataset = load_dataset("ebb400-lq", root)
    with pytest.raises(DamagedDataError, match=rf"{file}: not the picture of the manifest: make it again with  python"):
        dataset.load("7")
    assert dataset.contents(["3"])["3"] == contents["3"]
    assert dataset.contents(["7"])["7"] != contents["7"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: shutil.rmtree(folder), r"ebb400: no such folder: get EBB400"),
        (lambda folder: shutil.rmtree(folder / "original"), r"original: no picture: get EBB400"),
        (lambda folder: shutil.rmtree(folder / "low_quality"), r"no low-quality pictures are made yet: make the pic"),
        (lambda folder: shutil.rmtree(folder / "low_quality/disparity"), r"no disparity beside .*disparity ebb400-lq"),
        (
            lambda folder: (folder / "low_quality/manifest.json").write_text('{"degradation": "old", "pictures": {}}'),
            r"manifest\.json: expected Real-ESRGAN, .*, got old: make the pictures with  python -m",
        ),
    ],
)
def test_what_is_absent_is_one_line_with_its_remedy(root, spoil, message):
    spoil(root / "ebb400")
    with pytest.raises(MissingDataError, match=message) as caught:
        load_dataset("ebb400-lq", root).prepare()
    assert "\n" not in str(caught.value)


def test_an_unreadable_picture_costs_no_other(root, capsys):
    (root / "ebb400/original/7.jpg").write_bytes(b"no picture")
    (root / "ebb400/original/1.jpg").mkdir()
    (root / "ebb400/low_quality/12.png").unlink()
    assert ebb400.main(["--data-root", str(root)]) == 1
    said = capsys.readouterr().err
    assert "7.jpg: cannot be read" in said
    assert "1.jpg: cannot be read" in said
    assert (root / "ebb400/low_quality/12.png").exists()
    assert np.isfinite(load_dataset("ebb400-lq", root).load("3").focus_disparity)


def test_there_is_nothing_to_fit_a_strength_on(root):
    with pytest.raises(MissingDataError, match=r"fit_blur_strength ebb400-lq --set PX"):
        load_dataset("ebb400-lq", root).find_held_out()
