"""The U-Net against latents: the loss falls, a resumed run ends in the same weights, the result renders."""

import json

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import Training, train
from bokehbench.training.engine.pass_means import TrainingDivergedError

from ..runs import TINY, assert_same, weights, write_config

MUON = {"method": "muon", "learning_rate": 1.0e-3, "warmup": 1}
RECIPE = {"output_form": "blurred-colours"}


def test_the_loss_falls(tmp_path, settings):
    scenes = {"scenes": settings | {"radius_px": [6.0, 6.0]}}
    vae = train(read_config(write_config(tmp_path / "vae", settings, "autoencoder", steps=1, validate_every=9)))
    optimiser = {"learning_rate": 3.0e-3, "warmup": 5}
    run = {"steps": 40, "batch": 4, "validate_every": 20, "ema": 0.0, "optimiser": optimiser, "checkpoint_every": 40}
    model = {"autoencoder": str(vae), "output_form": "residual"}
    train(read_config(write_config(tmp_path, settings, "latent", model, scenes, **run)))
    curve = [json.loads(line) for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [0, 20, 40]
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 0.5  # step 0 is the autoencoder's reconstruction of the input


@pytest.mark.parametrize(("model", "optimiser"), [({}, {"learning_rate": 1.0e-3, "warmup": 1}), (RECIPE, MUON)])
def test_a_resumed_run_ends_in_the_same_weights_and_renders(tmp_path, settings, model, optimiser):
    run = {"steps": 3, "optimiser": optimiser}
    whole = train(read_config(write_config(tmp_path / "whole", settings, "latent", model, **run)))
    config = read_config(write_config(tmp_path / "pieces", settings, "latent", model, minutes=1e-6, **run))
    while (pieces := train(config)) is None:
        pass
    assert_same(weights(whole), weights(pieces))
    pipeline = BokehDiffPipeline.from_pretrained(pieces)
    assert pipeline.active_settings.physics.hardness == 1e7  # of inference, not of the last step
    disparity = torch.linspace(0.1, 0.9, 32 * 48).reshape(1, 1, 32, 48)
    assert pipeline(torch.rand(1, 3, 32, 48), disparity, 0.5, 10.0).images.shape == (1, 3, 32, 48)


def test_muon_takes_all_matrices_but_the_last_layers(tmp_path, settings):
    training = Training(read_config(write_config(tmp_path, settings, optimiser=MUON)))
    matrices = {id(p) for g in training.update.optimiser.param_groups if g["muon"] for p in g["params"]}
    unet = training.task.unet
    assert matrices == {
        id(p) for name, p in unet.named_parameters() if p.ndim >= 2 and not name.startswith("conv_out.")
    }


def test_variants_are_trained_with_their_physics_and_a_start_takes_on_a_variants(tmp_path, settings):
    quick = {"steps": 1, "validate_every": 9}
    path = write_config(tmp_path / "vanilla", settings, "latent", {"variant": "bokehdiff-vanilla"}, **quick)
    vanilla = train(read_config(path))
    settings_of_vanilla = BokehDiffPipeline.from_pretrained(vanilla).active_settings
    assert settings_of_vanilla.trained_as == "bokehdiff-vanilla"
    assert not settings_of_vanilla.physics.coc
    path = write_config(tmp_path / "full", settings, "latent", {"start": str(vanilla)}, **quick)
    trained = BokehDiffPipeline.from_pretrained(train(read_config(path))).active_settings
    assert trained.trained_as == "bokehdiff"
    assert trained.physics.coc
    assert trained.physics.occlusion
    assert trained.physics.softmax_over_queries
    model = {"start": str(vanilla), "variant": "bokehdiff-plus"}
    with pytest.raises(InvalidOptionError, match=r"has condition_channels \(\), bokehdiff-plus needs"):
        train(read_config(write_config(tmp_path / "plus", settings, "latent", model)))


def test_a_plus_model_learns_from_its_base(tmp_path, settings):
    model, data = {"variant": "bokehdiff-plus"}, {"disparity": "robust"}
    path = write_config(tmp_path, settings, "latent", model, data, steps=1, validate_every=1)
    pipeline = BokehDiffPipeline.from_pretrained(train(read_config(path)))
    assert pipeline.active_settings.base == "classical-occlusion"


def test_a_crop_holds_a_token_of_the_coarsest_level(tmp_path, settings):
    path = write_config(tmp_path, settings, model={"size": TINY | {"unet_widths": [8] * 5}})
    with pytest.raises(InvalidOptionError, match=r"model\.data\.crop_px: expected at least 64, .*, got 32"):
        train(read_config(path))


def test_divergence_names_step_term_and_samples(tmp_path, settings):
    optimiser = {"learning_rate": 1.0e6, "clip": 1.0e9}
    path = write_config(tmp_path, settings, optimiser=optimiser, steps=30)
    with pytest.raises(
        TrainingDivergedError, match=r"step \d+: the term 'latent' is (nan|inf) on samples \d+, \d+ of seed 0"
    ):
        train(read_config(path))
