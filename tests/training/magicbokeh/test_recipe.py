"""The recipe at toy size: scenes, their latents, networks, ablations, and what ships of them."""

import dataclasses
import json

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.magicbokeh.settings import MagicSettings, NetworkSize
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.magicbokeh.recipe import PROGRAM, Recipe
from bokehbench.training.scenes import shards

TINY = MagicSettings(size=NetworkSize(widths=(8, 16), blocks=(1, 1), groups=4, heads=2, rank=2))


@pytest.fixture
def toy(pictures, tmp_path, monkeypatch):
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    sizes = {"scenes": 4, "first_steps": 1, "steps": 1, "draws": 1, "crop_px": 16, "batch": 2, "precision": "no"}
    recipe = Recipe(**folders, output=tmp_path / "run", shipped=tmp_path / "shipped", **sizes)
    monkeypatch.setattr(shards, "SHARD", 2)
    small = dataclasses.replace(recipe.settings, size_px=24, lens_samples=4, painted=1)
    monkeypatch.setattr(Recipe, "settings", small)
    make = Recipe._model
    monkeypatch.setattr(Recipe, "_model", lambda self, **values: make(self, **{"settings": TINY} | values))
    return recipe


def test_what_is_trained_ships_with_its_record(toy, tmp_path, make_scene):
    for part in ("network", "ship"):
        with pytest.raises(MissingWeightsError, match=r"first/model/training\.json: absent: .* --parts first, to"):
            PROGRAM.run(toy, [part])
    assert PROGRAM.run(toy, ["scenes", "first", "network", "ship"])
    record = json.loads((toy.shipped / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 2 crops of 16 px, then 1 steps of 2 crops of 16 px out of 4")
    assert record["seconds"] >= record["first"]["seconds"] > 0.0
    assert str(tmp_path) not in json.dumps(record)
    assert len(list((tmp_path / "run/scenes").glob("poor-4-*.safetensors"))) == 1
    renderer = load_renderer(f"magicbokeh@{toy.shipped}")
    renderer.prepare("cpu", torch.float32)
    assert renderer.render(make_scene()).shape == (3, 24, 32)


def test_ablations_train_alike(tmp_path):
    runs = Recipe(photographs="x", cutouts="x", output=tmp_path).ablations()
    names = ["first", "full", "disjoint", "unmasked", "paper", "joint", "no-restoration-phase"]
    assert [str(run.output) for run in runs] == [f"{tmp_path}/ablations/seed-{n}/{x}" for n in (0, 1) for x in names]
    assert {run.seed for run in runs if not run.output.endswith("first")} == {1, 3}
    full, disjoint, unmasked, _, joint, alone = runs[1:7]
    assert full.steps == disjoint.steps == unmasked.steps == joint.steps * 3 // 2 == alone.steps - runs[0].steps
    assert (full.model.disjoint, disjoint.model.disjoint) == (False, True)
    assert (unmasked.model.settings.attention, joint.model.joint, alone.model.start) == ("unmasked", True, None)
