"""The recipe of the compact models at toy size: what is trained how, in which order, and what goes on from what."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.training.bokehdiff.publish import COLOUR_ENCODER, DECODER_TUNING
from bokehbench.training.bokehdiff.recipe import PROGRAM
from bokehbench.training.bokehdiff.recipe_configs import FAMILY, LOW_QUALITY, PLUS, TABLE, Recipe


def test_every_variant_of_the_family_is_trained_alike(recipe):
    for variant in FAMILY:
        for own, full in zip(recipe.trainings(variant), recipe.trainings(FAMILY[0]), strict=True):
            start = None if full.model.start is None else full.model.start.replace("/bokehdiff/", f"/{variant}/")
            output = full.output.replace("/bokehdiff", f"/{variant}")
            model = dataclasses.replace(full.model, variant=variant, start=start)
            assert own == dataclasses.replace(full, output=output, model=model)


def test_the_second_training_goes_on_from_the_first_with_other_crops(recipe):
    first, second, _ = recipe.trainings(FAMILY[0])
    assert (first.model.start, second.model.start) == (None, f"{first.output}/model")
    assert first.seed != second.seed
    assert (first.model.output_form, first.model.latent_loss, first.model.data.disparity) == (
        "blurred-colours",
        "mse",
        "true",
    )
    assert (second.model.latent_loss, second.model.data.disparity) == ("psnr", "true")


def test_the_third_training_differs_from_the_second_in_the_radii_of_tokens_alone(recipe):
    _, second, third = recipe.trainings(FAMILY[0])
    model = dataclasses.replace(second.model, pooling="two-radii", start=f"{second.output}/model")
    alike = dataclasses.replace(second, output=third.output, seed=third.seed, steps=third.steps, model=model)
    assert third == alike
    assert third.seed != second.seed


def test_plus_is_given_wrong_disparity_and_minimises_the_logarithm(recipe):
    (plus,) = recipe.trainings(PLUS)
    assert (plus.model.output_form, plus.model.latent_loss, plus.model.data.disparity) == (None, "psnr", "robust")


def test_low_quality_goes_on_from_what_ships(recipe):
    (training,) = recipe.trainings(LOW_QUALITY)
    model = training.model
    assert (model.variant, model.start, model.autoencoder, model.colour_encoder) == ("bokehdiff", "shipped", None, None)
    assert (model.data.pictures, model.data.stored, model.latent_loss) == ("poor", str(recipe.poor_folder), "psnr")


def test_rows_of_the_table_differ_from_its_full_model_in_one_thing(recipe):
    rows = {tuple(Path(training.output).parts[-2:]): training for training in recipe.trainings(TABLE)}
    assert len(rows) == 14
    full = rows["seed-0", "full"]
    assert (full.task, full.model.start, full.model.losses.adversarial) == ("bokehdiff/picture", "shipped", 0.5)
    for (seed, row), training in rows.items():
        losses = [
            name for name, value in vars(training.model.losses).items() if value != getattr(full.model.losses, name)
        ]
        encoder = training.model.network.encoder
        alike = dataclasses.replace(
            training.model, losses=full.model.losses, network=full.model.network, variant=full.model.variant
        )
        assert dataclasses.replace(training, output=full.output, seed=full.seed, model=alike) == full
        assert training.model.variant == ("bokehdiff" if row == "full" else f"bokehdiff-{row}")
        assert losses == {"no-adv": ["adversarial"], "no-vgg": ["lpips"], "no-edge": ["edge"]}.get(row, [])
        assert encoder == (row != "fixed-encoder")
        assert training.seed != rows["seed-1" if seed == "seed-0" else "seed-0", row].seed


def test_the_decoder_learns_and_the_encoder_stays(finished):
    folders = (finished.output / part / "model" for part in ("autoencoder", DECODER_TUNING))
    first, second = (load_saved(folder, torch.float32).vae for folder in folders)
    for name, weight in first.state_dict().items():
        if name.startswith(("encoder.", "quant_conv.")):
            assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.decoder.conv_in.weight, second.decoder.conv_in.weight)


def test_colours_are_fitted_once_to_one_encoder(toy, restored, change):
    for _ in range(2):
        assert PROGRAM.run(restored, ["autoencoder", "decoder", "colours"])
    assert len(toy[1]) == 1
    decoder = restored.output / DECODER_TUNING / "model"
    change(decoder, "decoder")
    restored.fit_colours()
    change(decoder, "encoder")
    with pytest.raises(InvalidOptionError, match="colours: was fitted to another autoencoder: remove the folder"):
        restored.fit_colours()


def test_a_training_does_not_go_on_with_another_encoder(toy, restored, change):
    fits = list(toy[1])
    shutil.rmtree(restored.output / COLOUR_ENCODER)
    change(restored.output / DECODER_TUNING / "model", "encoder")
    with pytest.raises(InvalidOptionError, match="another configuration"):
        PROGRAM.run(restored, ["colours", "bokehdiff"])
    toy[1][:] = fits


def test_nothing_trained_is_one_line(tmp_path, capsys):
    assert PROGRAM.main(["--output", str(tmp_path), "--parts", "ship"]) == 2
    assert capsys.readouterr().err == f"recipe: {tmp_path}: no model is finished: nothing to ship\n"


def test_the_autoencoder_needs_photographs_alone(tmp_path, capsys):
    output = ["--output", str(tmp_path), "--photographs", "x"]
    assert PROGRAM.main([*output, "--parts", "colours,table"]) == 2
    assert capsys.readouterr().err == "recipe: --cutouts: expected a folder for the part table, got none\n"
    for training in ("autoencoder", "decoder"):
        (config,) = Recipe(photographs="x", output=tmp_path).trainings(training)
        assert (config.model.data.scenes.photographs, config.model.data.scenes.cutouts) == (("x",), ())
