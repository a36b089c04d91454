"""The recipe at toy size: scenes, network, and what ships of it."""

import dataclasses
import json

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.restore_disparity.recipe import PROGRAM, Recipe


@pytest.fixture
def toy(pictures, tmp_path, monkeypatch):
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    sizes = {"scenes": 4, "steps": 1, "crop_px": 32}
    recipe = Recipe(**folders, output=tmp_path / "run", shipped=tmp_path / "shipped", **sizes)
    small = dataclasses.replace(recipe.settings, size_px=48, lens_samples=4, painted=1)
    monkeypatch.setattr(Recipe, "settings", small)
    return recipe


def test_what_is_trained_ships_with_its_record(toy, tmp_path, make_scene):
    with pytest.raises(MissingWeightsError, match=r"network/model/training\.json: absent: .* --parts network, to"):
        PROGRAM.run(toy, ["ship"])
    assert PROGRAM.run(toy, ["scenes", "network", "ship"])
    record = json.loads((toy.shipped / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 4 crops of 32 px out of 4 synthesised scenes")
    assert str(tmp_path) not in json.dumps(record)
    renderer = load_renderer(f"classical+restore-disparity@{toy.shipped}")
    renderer.prepare("cpu", torch.float32)
    assert renderer.training == "restore-disparity: " + record["summary"]
    assert renderer.render(make_scene()).shape == (3, 24, 32)
