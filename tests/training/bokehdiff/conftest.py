"""One run of the whole recipe at toy size, for all tests of what comes out of it."""

import dataclasses
import shutil

import pytest
import torch

from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.training.bokehdiff import fit_colour_encoder as fitting
from bokehbench.training.bokehdiff.recipe import PROGRAM
from bokehbench.training.bokehdiff.recipe_configs import PLUS, Recipe
from bokehbench.training.bokehdiff.recipe_scales import SCALES


@pytest.fixture(scope="session")
def toy(size, pictures, tmp_path_factory):
    """A recipe of single steps, and the list of the colour encoders' fits, which are cut short."""
    steps = ("autoencoder_steps", "decoder_steps", "first_steps", "second_steps", "third_steps", "plus_steps")
    scale = dataclasses.replace(
        SCALES["cpu"], scenes=4, degraded_scenes=4, crop_px=32, size=size, **dict.fromkeys((*steps, "batch"), 1)
    )
    folders = {"photographs": str(pictures / "photographs"), "cutouts": str(pictures / "cutouts")}
    recipe = Recipe(scale="toy", precision="no", output=tmp_path_factory.mktemp("recipe") / "run", **folders)
    small = dataclasses.replace(recipe.scenes, size_px=96, lens_samples=16, painted=1)
    fits, fit = [], fitting.fit_colour_encoder

    def fit_quickly(pipeline, photographs):
        fits.append(photographs)
        return fit(pipeline, photographs, pictures=9, steps=3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCALES, "toy", scale)
        patch.setattr(Recipe, "scenes", small)
        patch.setattr(fitting, "fit_colour_encoder", fit_quickly)
        yield recipe, fits


@pytest.fixture(scope="session")
def finished(toy):
    """The recipe after all of its parts but three ablations; whoever changes its folder restores it."""
    recipe, _ = toy
    assert PROGRAM.run(recipe, ["autoencoder", "decoder", "colours", "scenes", "degraded", "bokehdiff", PLUS])
    return recipe


@pytest.fixture
def recipe(toy):
    return toy[0]


@pytest.fixture
def restored(finished, tmp_path):
    """The finished recipe, whose folder is as before after the test, whatever that does to it."""
    kept = shutil.copytree(finished.output, tmp_path / "kept")
    yield finished
    shutil.rmtree(finished.output, ignore_errors=True)
    kept.rename(finished.output)


@pytest.fixture
def change():
    """Return a function that saves a pipeline again with another bias in a part of its autoencoder."""

    def save_changed(folder, part):
        pipeline = load_saved(folder, torch.float32)
        getattr(pipeline.vae, part).conv_in.bias.data += 1.0
        pipeline.save_pretrained(folder)
        return pipeline.vae

    return save_changed
