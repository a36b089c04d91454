"""The authors' formats: a LoRA in two generations of key names, a partial VAE, an SDXL folder, the prompt once."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bokehbench.core import diffusers
from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.renderers.bokehdiff.settings import PipelineSettings
from bokehbench.renderers.bokehdiff.weight_files import LORA_FILE
from bokehbench.renderers.diffusion import prompt as prompt_module

from ....tiny_models import write_authors_folder

LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
CONVOLUTION = "mid_block.resnets.0.conv1"


def read_unet(folder):
    return diffusers.UNet2DConditionModel.from_pretrained(folder, subfolder="unet", use_safetensors=True)


def weight_of(unet, layer):
    return unet.get_submodule(layer).weight.detach()


@pytest.fixture
def assemble(authors_folder):
    return lambda: load_checkpoint("bokehdiff", str(authors_folder), torch.float32).pipeline


@pytest.fixture(scope="module")
def assembled(sdxl_folder, lora_state, tmp_path_factory):
    """A pipeline that no test changes."""
    folder = write_authors_folder(tmp_path_factory.mktemp("untouched") / "authors", sdxl_folder, lora_state)
    return load_checkpoint("bokehdiff", str(folder), torch.float32).pipeline


def test_lora_is_added_to_the_weights(assembled, sdxl_folder, lora_state):
    """W + alpha / rank * B A with alpha = rank, worked out by hand for a linear layer and a convolution."""
    base, unet = read_unet(sdxl_folder), assembled.unet
    down, up = (lora_state[f"{LAYER}.lora_{matrix}.weight"] for matrix in "AB")
    assert torch.allclose(weight_of(unet, LAYER), weight_of(base, LAYER) + up @ down, atol=1e-6)
    down, up = (lora_state[f"{CONVOLUTION}.lora_{matrix}.weight"] for matrix in "AB")
    delta = torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).reshape(weight_of(base, CONVOLUTION).shape)
    assert torch.allclose(weight_of(unet, CONVOLUTION), weight_of(base, CONVOLUTION) + delta, atol=1e-6)


@pytest.mark.parametrize("converted", [False, True])
def test_every_generation_of_key_names_loads_alike(assembled, assemble, authors_folder, lora_state, converted):
    without_prefix = assembled.unet.state_dict()
    layers = diffusers.convert_state_dict_to_diffusers(dict(lora_state)) if converted else dict(lora_state)
    diffusers.StableDiffusionXLLoraLoaderMixin.save_lora_weights(authors_folder / "small", unet_lora_layers=layers)
    assert all(torch.equal(tensor, without_prefix[name]) for name, tensor in assemble().unet.state_dict().items())


def test_alpha_travels_in_the_files_metadata(assemble, authors_folder, sdxl_folder, lora_state):
    config = diffusers.LoraConfig(r=8, lora_alpha=2, target_modules=["to_q"])
    layers = {key: tensor for key, tensor in lora_state.items() if ".to_q." in key}
    diffusers.StableDiffusionXLLoraLoaderMixin.save_lora_weights(
        authors_folder / "small", unet_lora_layers=layers, unet_lora_adapter_metadata=config.to_dict()
    )
    delta = weight_of(assemble().unet, LAYER) - weight_of(read_unet(sdxl_folder), LAYER)
    expected = 2 / 8 * lora_state[f"{LAYER}.lora_B.weight"] @ lora_state[f"{LAYER}.lora_A.weight"]
    assert torch.allclose(delta, expected, atol=1e-6)


def test_folded_lora_renders_as_the_loaded_one_and_saves_as_one_model(
    assembled, assemble, authors_folder, sdxl_folder, tmp_path
):
    folded, loaded = assembled, assemble()
    loaded.unet.load_state_dict(read_unet(sdxl_folder).state_dict())
    loaded.load_lora_weights(authors_folder / "small", weight_name=LORA_FILE)
    scene = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64), 0.4, 30.0
    expected = folded(*scene).images
    assert torch.allclose(loaded(*scene).images, expected, atol=1e-4)
    folded.save_pretrained(tmp_path)
    assert torch.equal(BokehDiffPipeline.from_pretrained(tmp_path)(*scene).images, expected)


def test_partial_encoder_replaces_what_it_holds_and_nothing_else(assembled, authors_folder, sdxl_folder):
    held = torch.load(authors_folder / "small" / "vae.ckpt", weights_only=True)
    own = diffusers.AutoencoderKL.from_pretrained(sdxl_folder, subfolder="vae", use_safetensors=True).state_dict()
    for name, tensor in assembled.vae.state_dict().items():
        assert torch.equal(tensor, held.get(name, own[name]))
    assert 0 < len(held) < len(own)


def test_encoder_as_safetensors(assembled, assemble, authors_folder):
    encoder = authors_folder / "small" / "vae.ckpt"
    expected = assembled.vae.state_dict()
    save_file(torch.load(encoder, weights_only=True), encoder.with_suffix(".safetensors"))
    encoder.unlink()
    assert all(torch.equal(expected[name], tensor) for name, tensor in assemble().vae.state_dict().items())


def test_prompt_is_embedded_once_in_a_lifetime(assemble, authors_folder, monkeypatch):
    first = assemble().prompt
    assert first.tokens.shape == (1, 77, 64)
    assert first.pooled.shape == (1, 32)
    assert first.config.prompt == "an excellent photo with a large aperture"
    monkeypatch.setattr(prompt_module, "embed_prompt", lambda backbone: pytest.fail("text encoders loaded again"))
    (authors_folder / "RealVisXL_V5.0").rename(authors_folder / "elsewhere")
    without_encoders = authors_folder / "RealVisXL_V5.0"
    without_encoders.mkdir()
    for part in ("unet", "vae", "scheduler"):
        (without_encoders / part).symlink_to(authors_folder / "elsewhere" / part)
    second = assemble().prompt
    assert torch.equal(second.tokens, first.tokens)
    assert torch.equal(second.pooled, first.pooled)


def test_prompt_is_sdxls_convention(sdxl_folder):
    """Against diffusers' own SDXL pipeline."""
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    parts = {}
    for suffix, model in (("", CLIPTextModel), ("_2", CLIPTextModelWithProjection)):
        parts[f"tokenizer{suffix}"] = CLIPTokenizer.from_pretrained(sdxl_folder / f"tokenizer{suffix}")
        parts[f"text_encoder{suffix}"] = model.from_pretrained(sdxl_folder / f"text_encoder{suffix}").eval()
    reference = StableDiffusionXLPipeline(vae=None, unet=None, scheduler=None, add_watermarker=False, **parts)
    tokens, _, pooled, _ = reference.encode_prompt(prompt_module.PROMPT, do_classifier_free_guidance=False)
    ours = prompt_module.embed_prompt(sdxl_folder)
    assert torch.allclose(ours.tokens, tokens, atol=1e-6)
    assert torch.allclose(ours.pooled, pooled, atol=1e-6)
    assert ours.tokens.std() > 0.1


def test_folder_that_cannot_be_written_is_said(sdxl_folder, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    embeddings = prompt_module.load_or_embed_prompt(tmp_path / "file" / "prompt", sdxl_folder)
    assert embeddings.tokens.shape == (1, 77, 64)
    assert "cannot be kept" in caplog.text


def test_released_weights_are_used_as_the_released_code_trained_them(assembled):
    settings = assembled.active_settings
    assert (settings.timestep, settings.output_form, settings.pixel_unshuffle) == (499, "noise", 1)
    assert (settings.physics.rays_from, settings.physics.jitter, settings.pooling) == ("mixed", "sample", "bilinear")
    assert settings.pitch == "px"


def test_settings_beside_a_lora_of_ones_own(assemble, authors_folder):
    own = PipelineSettings(timestep=249, trained_as="bokehdiff-t249")
    (authors_folder / "small" / "settings.json").write_text(json.dumps(own.to_json()))
    assert assemble().active_settings == own


def test_lora_and_backbone_in_one_folder(authors_folder, sdxl_folder, tmp_path):
    for path in [*sdxl_folder.iterdir(), *(authors_folder / "small").iterdir()]:
        (tmp_path / path.name).symlink_to(path)
    assert load_checkpoint("bokehdiff", str(tmp_path), torch.float32).label.startswith(f"{tmp_path.name} ")


def test_half_precision_files_where_there_are_no_others(authors_folder, sdxl_folder):
    unet = authors_folder / "half"
    read_unet(sdxl_folder).half().save_pretrained(unet / "unet", variant="fp16")
    for part in ("vae", "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"):
        (unet / part).symlink_to(sdxl_folder / part)
    (authors_folder / "RealVisXL_V5.0").unlink()
    unet.rename(authors_folder / "RealVisXL_V5.0")
    pipeline = load_checkpoint("bokehdiff", str(authors_folder), torch.bfloat16).pipeline
    assert (pipeline.unet.dtype, pipeline.vae.dtype) == (torch.bfloat16, torch.float32)


class Malicious:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def test_pickled_code_is_refused_unexecuted(assemble, authors_folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (authors_folder / "small" / "vae.ckpt").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(MissingWeightsError, match="cannot be read as tensors"):
        assemble()
    torch.save({"encoder.conv_in.weight": Malicious()}, authors_folder / "small" / "vae.ckpt")
    with pytest.raises(MissingWeightsError, match="cannot be read as tensors"):
        assemble()
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"encoder.conv_in.weight": torch.zeros(1)}, r"'encoder.conv_in.weight': expected \(16, 3, 3, 3\), got \(1,\)"),
        (
            {"module.encoder.conv_in.weight": torch.zeros(1)},
            "'module.encoder.conv_in.weight' is no tensor of the AutoencoderKL",
        ),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "expected a flat dict of tensors"),
        ([1], "expected a flat dict of tensors"),
    ],
)
def test_encoder_of_something_else(assemble, authors_folder, content, message):
    torch.save(content, authors_folder / "small" / "vae.ckpt")
    with pytest.raises((InvalidOptionError, MissingWeightsError), match=message):
        assemble()


def test_lora_for_another_model(assemble, authors_folder):
    save_file({"unet.somewhere.lora_A.weight": torch.zeros(8, 8)}, authors_folder / "small" / LORA_FILE)
    with pytest.raises(InvalidOptionError, match="the LoRA adapts 'somewhere', which this U-Net does not have"):
        assemble()


def test_empty_lora(assemble, authors_folder):
    save_file({}, authors_folder / "small" / LORA_FILE)
    with pytest.raises(InvalidOptionError, match="the LoRA file is empty"):
        assemble()


def test_absent_encoder_unless_trained_without(assemble, authors_folder):
    (authors_folder / "small" / "vae.ckpt").unlink()
    with pytest.raises(MissingWeightsError, match=r"lacks vae\.safetensors or vae\.ckpt"):
        assemble()
    own = PipelineSettings(trained_as="bokehdiff-fixed-encoder")
    (authors_folder / "small" / "settings.json").write_text(json.dumps(own.to_json()))
    assert assemble().active_settings == own


def test_backbone_in_pickles_only(assemble, authors_folder, sdxl_folder):
    (authors_folder / "RealVisXL_V5.0").unlink()
    backbone = authors_folder / "RealVisXL_V5.0"
    for part in ("unet", "vae", "scheduler"):
        (backbone / part).mkdir(parents=True)
        for path in (sdxl_folder / part).glob("*.json"):
            (backbone / part / path.name).symlink_to(path)
    (backbone / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(MissingWeightsError, match=r"no diffusion_pytorch_model\*.safetensors"):
        assemble()
    (backbone / "vae" / "config.json").unlink()
    with pytest.raises(MissingWeightsError, match=r"an SDXL model lacks vae/config\.json"):
        assemble()


def test_settings_that_are_not_json(assemble, authors_folder):
    (authors_folder / "small" / "settings.json").write_text("{")
    with pytest.raises(InvalidOptionError, match="expected JSON: "):
        assemble()
