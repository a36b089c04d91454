"""The compact recipe at toy size: its order, and what ships of it."""

import dataclasses
import json
import shutil

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.renderers.bokehdiff.models.compact import CompactSize
from bokehbench.renderers.bokehdiff.weight_files import find_weights
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.bokehdiff import fit_colour_encoder as colour_encoder_fit
from bokehbench.training.bokehdiff.publish import COLOURS, DECODER, ship
from bokehbench.training.bokehdiff.recipe import main, run
from bokehbench.training.bokehdiff.recipe_configs import FAMILY, PLUS, SCALES, Recipe


@pytest.fixture
def quick_fit(monkeypatch):
    """Fit colour encoders hardly at all; return the list of fits."""
    fits, fit = [], colour_encoder_fit.fit_colour_encoder

    def fit_quickly(pipeline, photographs):
        fits.append(photographs)
        return fit(pipeline, photographs, pictures=9, steps=3)

    monkeypatch.setattr(colour_encoder_fit, "fit_colour_encoder", fit_quickly)
    return fits


@pytest.fixture
def recipe(tiny, pictures, tmp_path, monkeypatch):
    size = CompactSize(**{name: tuple(v) if isinstance(v, list) else v for name, v in tiny.items()})
    toy = {
        "scenes": 50,
        "told_scenes": 50,
        "autoencoder_steps": 1,
        "decoder_steps": 1,
        "first_steps": 1,
        "second_steps": 1,
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
    for variant in FAMILY:
        for own, full in zip(recipe.trainings(variant), recipe.trainings(FAMILY[0]), strict=True):
            start = None if full.start is None else full.start.replace("/bokehdiff/", f"/{variant}/")
            output = full.output.replace("/bokehdiff", f"/{variant}")
            assert own == dataclasses.replace(full, variant=variant, output=output, start=start)


def test_the_second_training_goes_on_from_the_first_with_other_crops(recipe):
    first, second = recipe.trainings(FAMILY[0])
    assert (first.start, second.start) == (None, f"{first.output}/model")
    assert first.seed != second.seed
    assert (first.parametrisation, first.latent_loss, first.data.disparity) == ("pisa-start", "mse", "true")
    assert (second.latent_loss, second.data.disparity) == ("psnr", "true")


def test_plus_is_told_wrong_disparity_and_counts_decibels(recipe):
    (plus,) = recipe.trainings(PLUS)
    assert (plus.parametrisation, plus.latent_loss, plus.data.disparity) == (None, "psnr", "robust")


def test_what_is_trained_ships_with_its_record(recipe, tmp_path, quick_fit):
    assert run(recipe, ["autoencoder", "decoder", "colours", "scenes", "told", "bokehdiff", PLUS], workers=0)
    assert (recipe.output / "bokehdiff" / "model" / "colour_encoder").is_dir()
    moved, shipped = recipe.output.rename(tmp_path / "moved"), tmp_path / "shipped"
    ship(moved, [*FAMILY, PLUS], shipped)
    assert sorted(path.name for path in shipped.iterdir()) == ["autoencoder", "bokehdiff", PLUS]
    record = json.loads((shipped / PLUS / "training.json").read_text())
    assert record["summary"].startswith("1 steps of 1 crops of 32 px out of 50 synthesised scenes")
    assert str(tmp_path) not in json.dumps(record)
    assert record["parametrisation"] == "identity-start"
    full = json.loads((shipped / "bokehdiff" / "training.json").read_text())
    assert (full["parametrisation"], full["optimiser"]["method"]) == ("pisa-start", "muon")
    assert full["summary"].startswith("1 and 1 steps of 1 crops")
    assert (full["first"]["latent_loss"], full["latent_loss"]) == ("mse", "psnr")
    assert full["seconds"] > full["first"]["seconds"]
    autoencoder = json.loads((shipped / "autoencoder" / "training.json").read_text())
    assert autoencoder["summary"].startswith("1 and 1 steps of 16 crops of 96 px, 0 minutes on")
    weights = find_weights("bokehdiff", str(shipped / "bokehdiff"), download=False)
    assert "training.json" not in [path.name for path in weights.paths]
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


def test_colours_are_fitted_once_to_one_encoder(recipe, quick_fit):
    assert run(recipe, ["autoencoder", "decoder", "colours", "decoder", "colours"], workers=0)
    assert len(quick_fit) == 1
    decoder = recipe.output / DECODER / "model"
    change(decoder, "decoder")
    recipe.fit_colours()
    change(decoder, "encoder")
    with pytest.raises(InvalidOptionError, match="colours: was fitted to another autoencoder: remove the folder"):
        recipe.fit_colours()


def test_models_ship_with_a_younger_decoder_of_their_own_encoder_only(recipe, tmp_path, quick_fit):
    assert run(recipe, ["autoencoder", "decoder", "colours", "scenes", "bokehdiff"], workers=0)
    (recipe.output / DECODER).rename(tmp_path / "kept")
    with pytest.raises(MissingWeightsError, match="no decoder is finished"):
        ship(recipe.output, FAMILY, tmp_path / "shipped")
    (tmp_path / "kept").rename(recipe.output / DECODER)
    younger = change(recipe.output / DECODER / "model", "decoder")
    ship(recipe.output, FAMILY, tmp_path / "shipped")
    own = load_saved(tmp_path / "shipped" / "bokehdiff", torch.float32).vae.decoder.conv_in.bias
    torch.testing.assert_close(own, younger.decoder.conv_in.bias, rtol=1e-3, atol=1e-3)
    change(recipe.output / "bokehdiff" / "model", "encoder")
    with pytest.raises(InvalidOptionError, match="bokehdiff was trained with another encoder than decoder"):
        ship(recipe.output, FAMILY, tmp_path / "shipped")


def test_a_training_does_not_go_on_with_another_encoder(recipe, quick_fit):
    assert run(recipe, ["autoencoder", "decoder", "colours", "scenes", "bokehdiff"], workers=0)
    shutil.rmtree(recipe.output / COLOURS)
    change(recipe.output / DECODER / "model", "encoder")
    with pytest.raises(InvalidOptionError, match="another configuration"):
        run(recipe, ["colours", "bokehdiff"], workers=0)


def change(folder, part):
    """Save a pipeline again with another bias in a part of its autoencoder."""
    pipeline = load_saved(folder, torch.float32)
    getattr(pipeline.vae, part).conv_in.bias.data += 1.0
    pipeline.save_pretrained(folder)
    return pipeline.vae


def test_nothing_trained_is_one_line(tmp_path, pictures, capsys):
    folders = ["--photographs", str(pictures), "--cutouts", str(pictures), "--output", str(tmp_path)]
    assert main([*folders, "--parts", "ship"]) == 2
    assert capsys.readouterr().err == f"compact_recipe: {tmp_path}: no model is finished: nothing to ship\n"
    assert main([*folders, "--parts", "bokehdif"]) == 2
    known = "autoencoder, decoder, colours, scenes,"
    assert capsys.readouterr().err.startswith(f"compact_recipe: unknown part 'bokehdif'. Known: {known}")
