"""The compact recipe at toy size: its order, its two trainings of bokehdiff-plus, and what ships of them."""

import dataclasses
import json

import pytest

from bokehbench.renderers.bokehdiff.compact import CompactSize
from bokehbench.renderers.bokehdiff.training.compact_recipe import FAMILY, PLUS, SCALES, Recipe, main, run
from bokehbench.renderers.bokehdiff.training.compact_shipping import ship
from bokehbench.renderers.errors import MissingWeightsError
from bokehbench.renderers.registry import load_renderer


@pytest.fixture
def recipe(tiny, pictures, tmp_path, monkeypatch):
    size = CompactSize(**{name: tuple(v) if isinstance(v, list) else v for name, v in tiny.items()})
    toy = {
        "scenes": 50,
        "told_scenes": 50,
        "autoencoder_steps": 1,
        "steps": 1,
        "plus_steps": 1,
        "polish_steps": 1,
        "batch": 1,
    }
    scale = dataclasses.replace(SCALES["cpu"], **toy, crop_px=32, size=size, plus_size=size)
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    whole = Recipe(scale=scale, output=tmp_path / "run", **folders)
    small = dataclasses.replace(whole.scenes, size_px=96, lens_samples=16, painted=1)
    monkeypatch.setattr(Recipe, "scenes", small)
    return whole


def test_every_variant_of_the_family_is_trained_alike(recipe):
    first = recipe.model(FAMILY[0])
    for variant in FAMILY:
        (training,) = recipe.trainings(variant)
        assert dataclasses.replace(training, variant=first.variant, output=first.output) == first


def test_family_and_plus_start_and_step_differently(recipe):
    family, plus = recipe.model(FAMILY[0]), recipe.model(PLUS)
    assert (family.parametrisation, family.optimiser.method) == ("pisa-start", "muon")
    assert (plus.parametrisation, plus.optimiser.method) == (None, "adamw")


def test_plus_is_polished_in_decibels_from_its_first_training(recipe):
    first, second = recipe.trainings(PLUS)
    assert (first.latent_loss, second.latent_loss) == ("mse", "psnr")
    assert second.start == f"{first.output}/model"
    assert first.data == second.data
    assert first.data.disparity == "robust"


def test_what_is_trained_ships_with_its_record(recipe, tmp_path):
    assert run(recipe, ["autoencoder", "scenes", "told", "bokehdiff", PLUS], workers=0)
    moved = recipe.output.rename(tmp_path / "moved")
    ship(moved, [*FAMILY, PLUS], tmp_path / "shipped")
    assert sorted(path.name for path in (tmp_path / "shipped").iterdir()) == ["autoencoder", "bokehdiff", PLUS]
    record = json.loads((tmp_path / "shipped" / PLUS / "training.json").read_text())
    assert record["summary"].count("1 steps of 1 crops of 32 px out of 50 synthesised scenes") == 2
    assert ", after 1 steps" in record["summary"]
    assert str(tmp_path) not in json.dumps(record)
    assert record["parametrisation"] == "identity-start"
    full = json.loads((tmp_path / "shipped" / "bokehdiff" / "training.json").read_text())
    assert (full["parametrisation"], full["optimiser"]["method"]) == ("pisa-start", "muon")
    renderer = load_renderer(f"bokehdiff@{tmp_path / 'shipped' / 'bokehdiff'}")
    renderer.prepare("cpu")
    assert renderer.training == json.loads((tmp_path / "shipped/bokehdiff/training.json").read_text())["summary"]
    (moved / f"{PLUS}-start" / "model" / "training.json").unlink()
    with pytest.raises(MissingWeightsError, match="bokehdiff-plus went on from it: put it back"):
        ship(moved, [PLUS], tmp_path / "shipped")


def test_nothing_trained_is_one_line(tmp_path, pictures, capsys):
    folders = ["--photographs", str(pictures), "--cutouts", str(pictures), "--output", str(tmp_path)]
    assert main([*folders, "--parts", "ship"]) == 2
    assert capsys.readouterr().err == f"compact_recipe: {tmp_path}: no model is finished: nothing to ship\n"
    assert main([*folders, "--parts", "bokehdif"]) == 2
    assert capsys.readouterr().err.startswith("compact_recipe: unknown part 'bokehdif'. Known: autoencoder, scenes,")
