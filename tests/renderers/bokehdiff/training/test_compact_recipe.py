"""The compact recipe at toy size: its order, and what ships of it."""

import dataclasses
import functools
import json
import re

import pytest
import torch

from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.renderers.bokehdiff.compact import CompactSize
from bokehbench.renderers.bokehdiff.training import colour_encoder_fit
from bokehbench.renderers.bokehdiff.training.compact_recipe import FAMILY, PLUS, SCALES, Recipe, main, run
from bokehbench.renderers.bokehdiff.training.compact_shipping import DECODER, ship
from bokehbench.renderers.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.registry import load_renderer


@pytest.fixture
def recipe(tiny, pictures, tmp_path, monkeypatch):
    size = CompactSize(**{name: tuple(v) if isinstance(v, list) else v for name, v in tiny.items()})
    toy = {
        "scenes": 50,
        "told_scenes": 50,
        "autoencoder_steps": 1,
        "decoder_steps": 1,
        "steps": 1,
        "plus_steps": 1,
        "batch": 1,
    }
    scale = dataclasses.replace(SCALES["cpu"], **toy, crop_px=32, size=size)
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    whole = Recipe(scale=scale, output=tmp_path / "run", **folders)
    small = dataclasses.replace(whole.scenes, size_px=96, lens_samples=16, painted=1)
    monkeypatch.setattr(Recipe, "scenes", small)
    return whole


def test_every_variant_of_the_family_is_trained_alike(recipe):
    first = recipe.training(FAMILY[0])
    for variant in FAMILY:
        training = recipe.training(variant)
        assert dataclasses.replace(training, variant=first.variant, output=first.output) == first


def test_plus_is_told_wrong_disparity_and_counts_decibels(recipe):
    family, plus = recipe.training(FAMILY[0]), recipe.training(PLUS)
    assert (family.parametrisation, family.latent_loss, family.data.disparity) == ("pisa-start", "mse", "true")
    assert (plus.parametrisation, plus.latent_loss, plus.data.disparity) == (None, "psnr", "robust")


def test_what_is_trained_ships_with_its_record(recipe, tmp_path, monkeypatch, capsys):
    quick = functools.partial(colour_encoder_fit.fit_colour_encoder, pictures=9, steps=3)
    monkeypatch.setattr(colour_encoder_fit, "fit_colour_encoder", quick)
    assert run(recipe, ["autoencoder", "decoder", "colours", "scenes", "told", "bokehdiff", PLUS], workers=0)
    assert re.search(r"Colour encoder: \d+\.\d dB alike", capsys.readouterr().out)
    moved, shipped = recipe.output.rename(tmp_path / "moved"), tmp_path / "shipped"
    ship(moved, [*FAMILY, PLUS], shipped)
    assert sorted(path.name for path in shipped.iterdir()) == ["autoencoder", "bokehdiff", PLUS]
    record = json.loads((shipped / PLUS / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 1 crops of 32 px out of 50 synthesised scenes")
    assert str(tmp_path) not in json.dumps(record)
    assert record["parametrisation"] == "identity-start"
    full = json.loads((shipped / "bokehdiff" / "training.json").read_text())
    assert (full["parametrisation"], full["optimiser"]["method"]) == ("pisa-start", "muon")
    renderer = load_renderer(f"bokehdiff@{shipped / 'bokehdiff'}")
    renderer.prepare("cpu")
    assert renderer.training == full["summary"]
    assert (shipped / "bokehdiff" / "colour_encoder").is_dir()
    assert not (shipped / PLUS / "colour_encoder").exists()


def test_the_decoder_learns_and_the_encoder_stays(recipe):
    assert run(recipe, ["autoencoder", "decoder"], workers=0)
    first, second = (load_saved(recipe.output / part / "model", torch.float32).vae for part in ("autoencoder", DECODER))
    for name, weight in first.state_dict().items():
        if name.startswith(("encoder.", "quant_conv.")):
            assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.decoder.conv_in.weight, second.decoder.conv_in.weight)


def test_models_ship_with_a_younger_decoder_of_their_own_encoder_only(recipe, tmp_path):
    assert run(recipe, ["autoencoder", "decoder", "scenes", "bokehdiff"], workers=0)
    (recipe.output / DECODER).rename(tmp_path / "kept")
    with pytest.raises(MissingWeightsError, match="no decoder is finished"):
        ship(recipe.output, FAMILY, tmp_path / "shipped")
    (tmp_path / "kept").rename(recipe.output / DECODER)
    folder = recipe.output / DECODER / "model"
    for part, changed in (("decoder", True), ("encoder", False)):
        decoder = load_saved(folder, torch.float32)
        getattr(decoder.vae, part).conv_in.bias.data += 1.0
        decoder.save_pretrained(folder)
        if changed:
            ship(recipe.output, FAMILY, tmp_path / "shipped")
            own = load_saved(tmp_path / "shipped" / "bokehdiff", torch.float32).vae.decoder.conv_in.bias
            torch.testing.assert_close(own, decoder.vae.decoder.conv_in.bias, rtol=1e-3, atol=1e-3)
        else:
            with pytest.raises(InvalidOptionError, match="bokehdiff was trained with another encoder than decoder"):
                ship(recipe.output, FAMILY, tmp_path / "shipped")


def test_nothing_trained_is_one_line(tmp_path, pictures, capsys):
    folders = ["--photographs", str(pictures), "--cutouts", str(pictures), "--output", str(tmp_path)]
    assert main([*folders, "--parts", "ship"]) == 2
    assert capsys.readouterr().err == f"compact_recipe: {tmp_path}: no model is finished: nothing to ship\n"
    assert main([*folders, "--parts", "bokehdif"]) == 2
    known = "autoencoder, decoder, colours, scenes,"
    assert capsys.readouterr().err.startswith(f"compact_recipe: unknown part 'bokehdif'. Known: {known}")
