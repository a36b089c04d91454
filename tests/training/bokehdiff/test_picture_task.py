"""Losses on the picture: resumes exactly, with a discriminator too; saves what the authors publish."""

import shutil

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.bokehdiff import picture_task
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import train

from ..runs import assert_same, weights, write_config

PLAIN = {"learning_rate": 1.0e-3, "warmup": 1}


def run_whole_and_in_pieces(folder, settings, model, **run):
    """Return the weights of an unbroken run, having seen that one that stops after every step has the same."""
    whole = train(read_config(write_config(folder / "whole", settings, "picture", model, steps=3, **run)))
    config = read_config(write_config(folder / "pieces", settings, "picture", model, steps=3, minutes=1e-6, **run))
    while (pieces := train(config)) is None:
        pass
    assert_same(weights(whole), weights(pieces))
    return weights(whole)


@pytest.mark.parametrize(
    ("model", "optimiser"), [({}, PLAIN), ({"output_form": "blurred-colours"}, PLAIN | {"method": "muon"})]
)
def test_a_resumed_run_ends_in_the_same_weights(tmp_path, settings, model, optimiser):
    run_whole_and_in_pieces(tmp_path, settings, model, optimiser=optimiser)


def tiny_features(path=None):
    """Return features of a small ConvNeXt with random weights in place of a pretrained network's."""
    import timm  # here: it takes a second

    torch.manual_seed(0)
    return timm.create_model(
        "convnext_atto", pretrained=False, features_only=True, dims=(8, 8, 8, 8), depths=(1, 1, 1, 1)
    )


@pytest.fixture
def _tiny_discriminator(monkeypatch):
    monkeypatch.setattr(picture_task, "load_features", tiny_features)


@pytest.mark.usefixtures("_tiny_discriminator")
def test_the_adversarial_term_counts_and_resumes(tmp_path, settings):
    losses = {"lpips": 0.0, "adversarial": 0.5, "adversarial_from": 1}
    judged = run_whole_and_in_pieces(tmp_path, settings, {"losses": losses})
    path = write_config(tmp_path / "without", settings, "picture", {"losses": losses | {"adversarial": 0.0}}, steps=3)
    without = weights(train(read_config(path)))
    assert not torch.equal(without["unet.conv_out.weight"], judged["unet.conv_out.weight"])


def test_the_adversary_judges_by_the_network_that_is_named(tmp_path, settings, monkeypatch):
    folders = []
    monkeypatch.setattr(picture_task, "load_features", None)  # may not be asked
    monkeypatch.setattr(picture_task, "load_alexnet", lambda folder: folders.append(folder) or tiny_features())
    losses = {"lpips": 0.0, "adversarial": 0.5, "discriminator_network": "alex", "perceptual_weights": "here"}
    assert train(read_config(write_config(tmp_path, settings, "picture", {"losses": losses}, steps=1))) is not None
    assert folders == ["here"]


def test_lora_and_encoder_are_saved_as_the_authors_do(tmp_path, settings):
    start = train(read_config(write_config(tmp_path / "start", settings, steps=1, validate_every=9)))
    model = {"start": str(start), "network": {"lora_rank": 2, "unet_part": "down", "encoder": True}}
    result = train(read_config(write_config(tmp_path / "lora", settings, "picture", model, steps=2)))
    lora = load_file(result / "pytorch_lora_weights.safetensors")
    assert all(name.startswith("unet.down_blocks.") for name in lora)
    pipeline = BokehDiffPipeline.from_pretrained(start)
    pipeline.load_lora_weights(str(result))
    encoder = load_file(result / "vae.safetensors")
    assert all(
        name.startswith(("encoder.mid_block", "encoder.conv_norm_out", "encoder.conv_out", "quant_conv"))
        for name in encoder
    )


def test_sdxl_trains_and_its_result_is_a_checkpoint(tmp_path, settings, sdxl_folder):
    """A tiny SDXL in diffusers' layout: LoRA and encoder come back through the loader of the authors' formats."""
    model = {"start": str(sdxl_folder), "network": {"lora_rank": 2, "unet_part": "all", "encoder": True}}
    result = train(read_config(write_config(tmp_path, settings, "picture", model, steps=2)))
    shutil.copytree(sdxl_folder, result / "RealVisXL_V5.0")
    renderer = load_renderer(f"bokehdiff@{result}")
    renderer.prepare()
    trained = dict(load_file(result / "vae.safetensors"))
    name = "encoder.conv_out.weight"
    assert torch.equal(renderer.pipeline.vae.state_dict()[name].float(), trained[name])
