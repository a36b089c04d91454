"""LoRA files whose keys or scale diffusers would pass over. Those that load: tests/renderers/bokehdiff/models."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from bokehbench.core import diffusers
from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff.models.sdxl import naming_damage
from bokehbench.renderers.diffusion.lora import load_lora
from bokehbench.renderers.weights import LORA_FILE

LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"


@pytest.fixture
def unet(sdxl_folder):
    return diffusers.UNet2DConditionModel.from_pretrained(sdxl_folder, subfolder="unet", use_safetensors=True)


@pytest.fixture
def pair(lora_state):
    """The LoRA of one layer, of rank 8."""
    return {f"{LAYER}.lora_{side}.weight": lora_state[f"{LAYER}.lora_{side}.weight"].clone() for side in "AB"}


def delta(unet, pair):
    """What the loaded LoRA adds, as a multiple of B A."""
    layer = unet.requires_grad_(False).get_submodule(LAYER)
    product = pair[f"{LAYER}.lora_B.weight"] @ pair[f"{LAYER}.lora_A.weight"]
    return float((layer.get_delta_weight("default") * product).sum() / product.square().sum())


@pytest.mark.parametrize("prefix", ["", "unet."])
def test_a_bare_pair_has_the_scale_1(unet, pair, prefix):
    load_lora(unet, {f"{prefix}{key}": tensor for key, tensor in pair.items()})
    assert delta(unet, pair) == pytest.approx(1.0, abs=1e-5)


def test_a_file_without_a_scale_says_which_is_taken(unet, pair, tmp_path, caplog):
    """One of alpha 16 and rank 4 that lost its metadata looks like any other."""
    save_file(pair, tmp_path / LORA_FILE)
    load_lora(unet, tmp_path)
    assert delta(unet, pair) == pytest.approx(1.0, abs=1e-5)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("bokehbench")] == [
        f"{tmp_path / LORA_FILE}: the file states no scale (lora_alpha and r in its metadata): 1 is taken"
    ]


def test_kohyas_format_keeps_its_alpha(unet, pair):
    layer = f"lora_unet_{LAYER.replace('.', '_')}"
    names = {"down": "A", "up": "B"}
    state = {f"{layer}.lora_{name}.weight": pair[f"{LAYER}.lora_{side}.weight"] for name, side in names.items()}
    load_lora(unet, state | {f"{layer}.alpha": torch.tensor(2.0)})
    assert delta(unet, pair) == pytest.approx(2 / 8, abs=1e-5)


@pytest.mark.parametrize("extra", [f"{LAYER}.alpha", f"{LAYER}.lora_magnitude_vector", f"{LAYER}.dora_scale"])
def test_a_key_that_would_be_passed_over(unet, pair, extra):
    with pytest.raises(InvalidOptionError, match=re.escape(extra.rpartition(".")[2])):
        load_lora(unet, pair | {extra: torch.tensor(16.0)})


def test_half_a_pair(unet, pair):
    del pair[f"{LAYER}.lora_B.weight"]
    with pytest.raises(InvalidOptionError, match=r"holds 'unet\..*lora_A\.weight' and not '.*lora_B\.weight'"):
        load_lora(unet, pair)


@pytest.mark.parametrize("prefix", ["transformer.", "text_encoder.", "base_model.model."])
def test_a_prefix_of_something_else(unet, pair, prefix):
    with pytest.raises(InvalidOptionError, match="which this U-Net does not have"):
        load_lora(unet, {f"{prefix}{key}": tensor for key, tensor in pair.items()})


def test_values_that_are_not_numbers(unet, pair):
    pair[f"{LAYER}.lora_A.weight"][0, 0] = float("nan")
    with pytest.raises(InvalidOptionError, match="holds NaN"):
        load_lora(unet, pair)


@pytest.mark.parametrize(
    "metadata",
    [
        {"unet.r": 8},
        {"r": 8, "lora_alpha": 2},
        {"unet.r": 8, "unet.lora_alpha": "2"},
        {"unet.r": 8, "unet.lora_alpha": 0},
        {"unet.r": 8, "unet.lora_alpha": float("nan")},
        {"unet.r": 0, "unet.lora_alpha": 2},
        {"unet.r": 4, "unet.lora_alpha": 2},
        [8, 2],
    ],
)
def test_metadata_that_gives_no_scale(unet, pair, tmp_path, metadata):
    save_file(
        {f"unet.{key}": tensor for key, tensor in pair.items()},
        tmp_path / LORA_FILE,
        {"format": "pt", "lora_adapter_metadata": json.dumps(metadata)},
    )
    assert load_file(tmp_path / LORA_FILE)
    with pytest.raises((InvalidOptionError, MissingWeightsError)) as caught, naming_damage(tmp_path / LORA_FILE):
        load_lora(unet, tmp_path)
    assert "\n" not in str(caught.value)
