"""The recipe at toy size: scenes, network, and what ships of it."""

import dataclasses
import json

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.restore_disparity.recipe import PARTS, Recipe, main, run


@pytest.fixture
def toy(pictures, tmp_path, monkeypatch):
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    recipe = Recipe(**folders, output=tmp_path / "run", scenes=4, steps=1, crop_px=32)
    small = dataclasses.replace(recipe.settings, size_px=48, lens_samples=4, painted=1)
    monkeypatch.setattr(Recipe, "settings", small)
    return recipe


def test_what_is_trained_ships_with_its_record(toy, tmp_path, make_scene):
    shipped = tmp_path / "shipped"
    with pytest.raises(MissingWeightsError, match=r"network/model/training\.json: absent: .* --parts network, to"):
        run(toy, ["ship"], folder=shipped)
    assert run(toy, PARTS, folder=shipped)
    record = json.loads((shipped / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 4 crops of 32 px out of 4 synthesised scenes")
    assert str(tmp_path) not in json.dumps(record)
    renderer = load_renderer(f"classical+restore-disparity@{shipped}")
    renderer.prepare("cpu", torch.float32)
    assert renderer.training == "restore-disparity: " + record["summary"]
    assert renderer.render(make_scene()).shape == (3, 24, 32)


def test_an_unknown_part_is_one_line(tmp_path, capsys):
    folders = ["--photographs", "x", "--cutouts", "x", "--output", str(tmp_path)]
    assert main([*folders, "--parts", "scene"]) == 2
    said = "recipe: unknown part 'scene'. Did you mean scenes? Known: scenes, network, ship\n"
    assert capsys.readouterr().err == said
