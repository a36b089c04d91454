"""The recipe at toy size: scenes, networks, and what ships of them."""

import dataclasses
import json

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.bokehme.recipe import PROGRAM, Recipe


@pytest.fixture
def toy(pictures, tmp_path, monkeypatch):
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    sizes = {"scenes": 4, "first_steps": 1, "steps": 1, "crops_px": (24, 32)}
    recipe = Recipe(**folders, output=tmp_path / "run", shipped=tmp_path / "shipped", **sizes)
    small = dataclasses.replace(recipe.settings, size_px=48, lens_samples=4, painted=1)
    monkeypatch.setattr(Recipe, "settings", small)
    return recipe


def test_what_is_trained_ships_with_its_record(toy, tmp_path, make_scene):
    for part in ("networks", "ship"):
        with pytest.raises(MissingWeightsError, match=r"first/model/training\.json: absent: .* --parts first, to"):
            PROGRAM.run(toy, [part])
    assert PROGRAM.run(toy, ["scenes", "first", "networks", "ship"])
    record = json.loads((toy.shipped / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 4 crops of 24 px, then 1 steps of 3 crops of 32 px out of 4")
    assert record["seconds"] > record["first"]["seconds"] > 0.0
    assert str(tmp_path) not in json.dumps(record)
    renderer = load_renderer(f"bokehme@{toy.shipped}")
    renderer.prepare("cpu", torch.float32)
    assert renderer.training == record["summary"]
    assert renderer.render(make_scene()).shape == (3, 24, 32)
