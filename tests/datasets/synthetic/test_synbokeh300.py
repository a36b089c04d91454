"""The 300 recipes, the command and the index of a folder; scenes are traced by ``test_generated_scenes``."""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, InvalidOptionError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.synthetic.cache import CACHE_VARIABLE, cache_folder
from bokehbench.datasets.synthetic.cutouts import CUTOUTS
from bokehbench.datasets.synthetic.manifest import differences, summarise
from bokehbench.datasets.synthetic.recipes import BACKGROUND, recipe_hash
from bokehbench.datasets.synthetic.sources import PACKAGED, SceneSources, open_sources
from bokehbench.datasets.synthetic.synbokeh300 import __main__ as command
from bokehbench.datasets.synthetic.synbokeh300 import recipes as recipes_module
from bokehbench.datasets.synthetic.synbokeh300.dataset import SynBokeh300
from bokehbench.datasets.synthetic.synbokeh300.recipes import (
    COUNT,
    INDEX,
    make_index,
    make_recipes,
    read_index,
    write_index,
)

RECIPES = make_recipes()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Scenes of 40x40, a cache of their own, and no manifest: the committed one is of the real scenes."""
    monkeypatch.setattr(command, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(recipes_module, "SIDE_PX", 40)
    monkeypatch.setattr(recipes_module, "RADII_PX", (4.0, 8.0))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def own(tmp_path: Path) -> SceneSources:
    rng = np.random.default_rng(0)
    for folder, mode, count in (("photos", "RGB", 3), ("cutouts", "RGBA", 2)):
        (tmp_path / folder).mkdir()
        for index in range(count):
            pixels = rng.integers(0, 256, (60, 50, len(mode)), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{folder}-{index}.png")
    return open_sources(tmp_path / "photos", tmp_path / "cutouts")


def test_300_different_scenes_of_512_by_512() -> None:
    assert len(RECIPES) == COUNT == 300
    assert len({recipe.name for recipe in RECIPES}) == len({recipe.seed for recipe in RECIPES}) == 300
    assert {(recipe.height, recipe.width) for recipe in RECIPES} == {(512, 512)}
    assert make_recipes() == RECIPES


@pytest.mark.parametrize("start", [0, 60, 200])
def test_any_stretch_is_diverse(start: int) -> None:
    stretch = RECIPES[start : start + 40]
    assert Counter(len(recipe.cutouts) for recipe in stretch) == {1: 20, 2: 12, 3: 8}
    assert {kind for recipe in stretch for kind in recipe.cutouts} == set(CUTOUTS)
    assert {recipe.background for recipe in stretch} == set(PACKAGED.photographs)
    assert 10 <= sum(recipe.focus == BACKGROUND for recipe in stretch) <= 16
    assert sum(recipe.lights > 0 for recipe in stretch) == 10
    radii = sorted(recipe.max_radius_px for recipe in stretch)
    assert radii[0] < 5.0
    assert radii[-1] > 42.0
    assert 10.0 < radii[20] < 20.0
    assert all(set(recipe.cutouts) == set(dict.fromkeys(recipe.cutouts)) for recipe in stretch)


def test_radii_stay_in_their_range() -> None:
    assert all(4.0 <= recipe.max_radius_px <= 48.0 for recipe in RECIPES)


def test_the_index_decides_the_version(own: SceneSources) -> None:
    index = make_index()
    assert index["version"] == SynBokeh300.version
    other = make_index(own)
    assert other["version"] != index["version"]
    assert len(other["files"]) == 5
    changed = dataclasses.replace(own, photograph_files=dict(reversed(own.photograph_files.items())))
    assert make_index(changed)["version"] != other["version"]


def test_the_protocol_says_how_few_photographs_there_are() -> None:
    dataset = SynBokeh300()
    assert "only 9" in dataset.protocol
    assert {dataset.cluster(name) for name in dataset.scene_names()} == set(PACKAGED.photographs)
    assert "motorcycle" not in dataset.terms


def test_the_manifest_has_these_scenes() -> None:
    if not command.MANIFEST.is_file():
        pytest.skip(
            "the manifest is not written yet: python -m bokehbench.datasets.synthetic.synbokeh300 --write-manifest"
        )
    manifest = json.loads(command.MANIFEST.read_text(encoding="utf-8"))
    assert manifest["version"] == SynBokeh300.version
    assert [entry["parameters"] for entry in manifest["scenes"].values()] == [recipe_hash(r) for r in RECIPES]
    dataset = SynBokeh300()
    name = dataset.scene_names()[0]
    found = {"parameters": recipe_hash(RECIPES[0]), **summarise(dataset.load(name), command.CELLS_A_SIDE)}
    expected = {"version": "", "scenes": {name: manifest["scenes"][name]}}
    assert differences(expected, {"version": "", "scenes": {name: found}}) == []


def test_the_command_fills_the_cache_and_a_later_one_goes_on(small: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main(["--limit", "1", "--workers", "1"]) == 0
    (folder,) = (small / "cache" / "synbokeh300").iterdir()
    assert folder == cache_folder("synbokeh300", make_index()["version"])
    before = {path: path.stat().st_mtime_ns for path in folder.glob("data/*.parquet")}
    assert len(before) == 1
    assert command.main(["--limit", "2", "--workers", "1"]) == 0
    assert len(list(folder.glob("data/*.parquet"))) == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "2 scenes in" in capsys.readouterr().out


def test_the_manifest_finds_changed_scenes(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(command, "MANIFEST", small / "manifest.json")
    assert command.main(["--output", str(small / "out"), "--limit", "1", "--workers", "1"]) == 0
    command.write_manifest(command.describe_folder(small / "out", make_index()["version"], make_recipes(), 1))
    assert command.main(["--output", str(small / "out"), "--limit", "1"]) == 0
    manifest = json.loads((small / "manifest.json").read_text())
    (name,) = manifest["scenes"]
    manifest["scenes"][name]["target_mean"][0] += 0.05
    (small / "manifest.json").write_text(json.dumps(manifest))
    assert command.main(["--output", str(small / "out"), "--limit", "1"]) == 1
    assert f"{name}: target_mean: differs by 0.05" in capsys.readouterr().err


def test_a_folder_reads_back_as_a_data_set_of_the_hub(small: Path) -> None:
    folder = small / "out"
    assert command.main(["--output", str(folder), "--limit", "1", "--workers", "1"]) == 0
    from datasets import load_dataset as load_from_hub  # here: it takes a second

    found = load_from_hub(str(folder), split="test", cache_dir=str(small / "hub"))
    assert found["name"] == [make_recipes()[0].name]
    assert np.asarray(found[0]["image"]).shape == (40, 40, 3)
    assert len(found[0]["disparity"]) == 40 * 40 * 4
    card = (folder / "README.md").read_text()
    assert card.startswith("---\n")
    assert SynBokeh300.protocol in card
    assert make_index()["version"] in card
    assert "python -m bokehbench.datasets.synthetic.synbokeh300 --output DIR" in card


def test_own_pictures_make_a_data_set_of_their_own(small: Path, own: SceneSources) -> None:
    root = small / "root"
    options = ["--photos", str(small / "photos"), "--cutouts", str(small / "cutouts"), "--workers", "1"]
    assert command.main(["--output", str(root / "synbokeh300"), "--limit", "2", *options]) == 0
    dataset = load_dataset("synbokeh300", root)
    dataset.prepare()
    dataset.prepare()
    assert dataset.version == make_index(own)["version"] != make_index()["version"]
    assert dataset.protocol.count("the user's pictures: 3 photographs, 2 cut-outs") == 1
    assert {dataset.cluster(name) for name in dataset.scene_names()} == {f"photos-{index}.png" for index in range(3)}
    scene = dataset.load(dataset.scene_names()[1])
    assert scene.image.shape == (3, 40, 40)
    with pytest.raises(MissingDataError, match=r"not generated: give .* again, with the same --photos and --cutouts"):
        dataset.load(dataset.scene_names()[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "expected --workers >= 1"),
        (["--limit", "301"], "--limit from 1 to 300"),
        (["--limit", "0"], "--limit from 1 to 300"),
        (["--photos", "photos"], "need a folder of their own: say --output DIR"),
        (["--photos", "absent", "--output", "out"], "absent: expected a folder with pictures"),
        (["--write-manifest", "--limit", "3"], "--write-manifest needs all scenes"),
    ],
)
def test_what_cannot_run_says_so_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_another_sort_of_scenes_is_not_mixed_in(tmp_path: Path, own: SceneSources) -> None:
    write_index(tmp_path / "set", make_index())
    write_index(tmp_path / "set", make_index())
    with pytest.raises(InvalidOptionError, match="choose another --output"):
        write_index(tmp_path / "set", make_index(own))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": "1", "own_photographs": 0, "own_cutouts": 0}', None])
def test_a_damaged_index_is_named(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "synbokeh300"
    write_index(folder, make_index())
    text = (folder / INDEX).read_text()
    (folder / INDEX).write_text(text[: len(text) // 2] if content is None else content)
    with pytest.raises(DamagedDataError, match=r"scenes\.json: expected the index of generated scenes"):
        read_index(folder)
    with pytest.raises(DamagedDataError, match=r"scenes\.json"):
        load_dataset("synbokeh300", tmp_path).prepare()


def test_the_check_of_the_truth_traces_with_more_rays(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(recipes_module, "LIGHTS", (0,))
    assert command.main(["--check-truth", "2"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(lines) == 2
    assert all(float(line.split()[-2]) >= 70.0 for line in lines)
    monkeypatch.setattr(command, "REQUIRED_DB", 120.0)
    assert command.main(["--check-truth", "1"]) == 1
    assert "expected 120" in capsys.readouterr().err
