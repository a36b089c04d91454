"""The colour encoder: what it sees, that it stands in for the autoencoder's encoder, and how it is saved."""

import json

import pytest
import torch
from torch import nn

from bokehbench.renderers.bokehdiff.checkpoints import load_saved, save_compact
from bokehbench.renderers.bokehdiff.inputs.colour_encoder import REACH, ColourEncoder
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.renderers.bokehdiff.weight_files import find_weights, label_weights

from ....tiny_models import SMALL


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    made = ColourEncoder(16, width=8)
    for layer in (made.affine, made.rest[-1]):
        nn.init.normal_(layer.weight, std=0.2)
    return made


@pytest.fixture
def starting(encoder):
    torch.manual_seed(0)
    pipeline = build_compact(size=SMALL, output_form="blurred-colours")
    pipeline.register_modules(colour_encoder=encoder)
    return pipeline


def test_new_one_returns_nothing():
    assert not ColourEncoder(4)(torch.rand(1, 3, 6, 5)).any()


@torch.no_grad()
def test_a_token_sees_its_neighbourhood_only(encoder):
    colours = torch.rand(1, 3, 11, 13)
    changed = colours.clone()
    changed[..., 5, 6] = 1.0 - colours[..., 5, 6]
    moved = (encoder(changed) - encoder(colours)).abs().amax(1)[0] > 0
    rows, columns = (slice(at - REACH, at + REACH + 1) for at in (5, 6))
    expected = torch.zeros(11, 13, dtype=torch.bool)
    expected[rows, columns] = True
    assert torch.equal(moved, expected)


@torch.no_grad()
def test_one_colour_has_one_latent_up_to_the_edge(encoder):
    latent = encoder(torch.full((1, 3, 6, 5), 0.3))
    torch.testing.assert_close(latent, latent[..., 3:4, 2:3].expand_as(latent), rtol=0, atol=1e-6)


@torch.no_grad()
def test_stands_in_for_the_encoder_of_the_start(starting, monkeypatch):
    image, disparity = torch.rand(1, 3, 48, 64), torch.full((1, 1, 48, 64), 0.5)
    nn.init.constant_(starting.unet.conv_out.bias[16:], 40.0)
    z, colours = starting.encode(image), starting.token_colours(image)
    monkeypatch.setattr(starting, "encode", None)  # may not be asked again
    z0 = starting.denoise(z, disparity, torch.zeros_like(disparity), colours=colours)
    sharp = starting.colour_encoder(nn.functional.avg_pool2d(colours.linear, colours.pitch_px) ** (1 / colours.gamma))
    torch.testing.assert_close(z0, sharp, rtol=0, atol=0.02)  # a circle of 0 px has a soft edge


def test_computes_in_float32_whatever_the_rest_does(starting, tmp_path):
    save_compact(starting, tmp_path / "bokehdiff")
    half = load_saved(tmp_path / "bokehdiff", torch.bfloat16)
    assert (half.unet.dtype, half.colour_encoder.affine.weight.dtype) == (torch.bfloat16, torch.float32)
    colours = torch.rand(1, 3, 6, 5)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = starting.colour_encoder(colours)
    assert torch.equal(rounded, starting.colour_encoder(colours))


def test_is_saved_and_counts_in_the_label(starting, tmp_path):
    save_compact(starting, tmp_path / "bokehdiff")
    loaded = load_saved(tmp_path / "bokehdiff", torch.float32)
    for name, weight in starting.colour_encoder.state_dict().items():
        torch.testing.assert_close(loaded.colour_encoder.state_dict()[name], weight, rtol=1e-3, atol=1e-4)
    first = label_weights(find_weights("bokehdiff", str(tmp_path / "bokehdiff"), download=False), "bokehdiff")
    starting.colour_encoder.affine.bias.data += 1.0
    save_compact(starting, tmp_path / "bokehdiff")
    assert first != label_weights(find_weights("bokehdiff", str(tmp_path / "bokehdiff"), download=False), "bokehdiff")
    config = json.loads((tmp_path / "bokehdiff" / "colour_encoder" / "config.json").read_text())
    assert str(tmp_path) not in json.dumps(config)


def test_models_without_one_load(starting, tmp_path):
    save_compact(starting, tmp_path / "bokehdiff")
    starting.register_modules(colour_encoder=None)
    save_compact(starting, tmp_path / "bokehdiff")
    assert not (tmp_path / "bokehdiff" / "colour_encoder").exists()
    assert load_saved(tmp_path / "bokehdiff", torch.float32).colour_encoder is None
    index = tmp_path / "bokehdiff" / "model_index.json"
    older = json.loads(index.read_text())
    del older["colour_encoder"]
    index.write_text(json.dumps(older))
    assert load_saved(tmp_path / "bokehdiff", torch.float32).colour_encoder is None
