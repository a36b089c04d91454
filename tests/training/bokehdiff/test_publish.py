"""What ships of the recipe's trainings, with which autoencoder, and what is said beside it."""

import json

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.renderers.bokehdiff.weight_files import find_weights
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.bokehdiff.publish import DECODER_TUNING, ship, training_record
from bokehbench.training.bokehdiff.recipe_configs import FAMILY, PLUS


def test_what_is_trained_ships_with_its_record(restored, tmp_path):
    assert (restored.output / "bokehdiff" / "model" / "colour_encoder").is_dir()
    moved, shipped = restored.output.rename(tmp_path / "moved"), tmp_path / "shipped"
    ship(moved, [*FAMILY, PLUS], shipped)
    assert sorted(path.name for path in shipped.iterdir()) == ["autoencoder", "bokehdiff", PLUS]
    record = json.loads((shipped / PLUS / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 1 crops of 32 px out of 4 synthesised scenes")
    assert str(restored.output.parent) not in json.dumps(record)
    assert record["task"] == "bokehdiff/latent"
    assert record["output_form"] == "residual"
    full = json.loads((shipped / "bokehdiff" / "training.json").read_text())
    assert (full["output_form"], full["optimiser"]["method"]) == ("blurred-colours", "muon")
    assert full["summary"].startswith("1, 1 and 1 steps of 1 crops")
    second = full["first"]
    assert [x["latent_loss"] for x in (second["first"], second, full)] == ["mse", "psnr", "psnr"]
    assert [x.get("pooling") for x in (second["first"], second, full)] == [None, None, "two-radii"]
    assert full["seconds"] > second["seconds"] > second["first"]["seconds"]
    autoencoder = json.loads((shipped / "autoencoder" / "training.json").read_text())
    minutes = f"{autoencoder['seconds'] / 60.0:.0f} minutes on"
    assert autoencoder["summary"].startswith(f"1 and 1 steps of 16 crops of 96 px, {minutes}")
    weights = find_weights("bokehdiff", str(shipped / "bokehdiff"), download=False)
    assert "training.json" not in [path.name for path in weights.paths]
    renderer = load_renderer(f"bokehdiff@{shipped / 'bokehdiff'}")
    renderer.prepare("cpu")
    assert renderer.training == full["summary"]
    assert (shipped / "bokehdiff" / "colour_encoder").is_dir()
    assert not (shipped / PLUS / "colour_encoder").exists()


def test_models_ship_with_a_younger_decoder_of_their_own_encoder_only(restored, tmp_path, change):
    (restored.output / DECODER_TUNING).rename(tmp_path / "moved")
    with pytest.raises(MissingWeightsError, match="no decoder is finished"):
        ship(restored.output, FAMILY, tmp_path / "shipped")
    (tmp_path / "moved").rename(restored.output / DECODER_TUNING)
    younger = change(restored.output / DECODER_TUNING / "model", "decoder")
    ship(restored.output, FAMILY, tmp_path / "shipped")
    own = load_saved(tmp_path / "shipped" / "bokehdiff", torch.float32).vae.decoder.conv_in.bias
    torch.testing.assert_close(own, younger.decoder.conv_in.bias, rtol=1e-3, atol=1e-3)
    change(restored.output / "bokehdiff" / "model", "encoder")
    with pytest.raises(InvalidOptionError, match="bokehdiff was trained with another encoder than decoder"):
        ship(restored.output, FAMILY, tmp_path / "shipped")


def test_a_training_of_an_earlier_version_is_one_line(tmp_path):
    (tmp_path / "model").mkdir()
    for content in ("{", "[]", "3", '{"seconds": 1.0}', '{"configuration": {"model": {}}, "seconds": "long"}'):
        (tmp_path / "model" / "training.json").write_text(content)
        with pytest.raises(InvalidOptionError, match=r"training\.json: .*: train again$") as caught:
            training_record(tmp_path, tmp_path / "first")
        assert "\n" not in str(caught.value)
    (tmp_path / "model" / "training.json").write_text('{"configuration": {"stage": "latent"}, "seconds": 1.0}')
    with pytest.raises(
        InvalidOptionError, match=r"training\.json: the entry configuration\.model is missing: train again"
    ):
        training_record(tmp_path, tmp_path / "before")
