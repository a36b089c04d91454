"""The recipe at toy size: scenes, both stages, and what ships of them."""

import dataclasses
import json

import pytest

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.defocus_to_focus.recipe import PROGRAM, Recipe


def test_what_is_trained_ships_with_its_record(pictures, tmp_path, make_scene, monkeypatch):
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    sizes = {"scenes": 4, "small_steps": 1, "steps": 1, "fusion_steps": 1, "batch": 1}
    shipped = tmp_path / "shipped"
    recipe = Recipe(**folders, output=tmp_path / "run", shipped=shipped, **sizes)
    small = dataclasses.replace(recipe.settings, size_px=32, lens_samples=4, painted=0)
    monkeypatch.setattr(Recipe, "settings", small)
    with pytest.raises(MissingWeightsError, match=r"small/model/training\.json: absent: .* --parts small, to finish"):
        PROGRAM.run(recipe, ["ship"])
    assert PROGRAM.run(recipe, ["scenes", "small", "defocus", "fusion", "ship"])
    record = json.loads((shipped / "training.json").read_text())
    assert record["summary"].startswith(
        "1 steps of 4 pictures of 32 px drawn on the fly, 1 and 1 of 1 of 32 px out of 4 synthesised scenes"
    )
    assert str(tmp_path) not in json.dumps(record)
    renderer = load_renderer(f"defocus-to-focus@{shipped}")
    assert renderer.training == record["summary"]
    assert renderer.render(make_scene()).shape == (3, 24, 32)
