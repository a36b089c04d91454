"""Tiny random models in the formats of the real ones: SDXL with LoRA and VAE encoder, a compact checkpoint.

Diffusers is imported by what builds with it, so that collecting tests takes no time.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact

__all__ = [
    "_one_thread",
    "authors_folder",
    "compact",
    "compact_folder",
    "lora_state",
    "make_trained",
    "plus",
    "sdxl_folder",
]
"""The fixtures: a conftest.py imports them all."""

TEXT_WIDTH = 32
SMALL = CompactSize(vae_width=32, unet_widths=(16, 32, 48), unet_groups=8, heads=2, prompt_width=8)
LORA_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "conv1", "linear_1"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def compact():
    """An untrained compact model that starts at the identity."""
    torch.manual_seed(0)
    return build_compact(size=SMALL, output_form="residual")


@pytest.fixture
def plus():
    """An untrained bokehdiff-plus: its network predicts 0."""
    torch.manual_seed(0)
    return build_compact("bokehdiff-plus", SMALL)


@pytest.fixture(scope="session")
def make_trained():
    """A factory of compact models whose last layer is not zero any more, as after training."""

    def make(variant="bokehdiff", seed=0, **form):
        torch.manual_seed(seed)
        pipeline = build_compact(variant, SMALL, **form)
        nn.init.normal_(pipeline.unet.conv_out.weight, std=0.02)
        _sharpen_attention(pipeline.unet)
        return pipeline

    return make


@pytest.fixture(scope="session")
def compact_folder(make_trained, tmp_path_factory):
    """A saved compact checkpoint, trained as the full model."""
    folder = tmp_path_factory.mktemp("models") / "mine"
    make_trained().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sdxl_folder(tmp_path_factory):
    """A random SDXL of 0.5 M parameters in diffusers' layout, text encoders included."""
    from bokehbench.core.torchvision_guard import ensure_torchvision

    ensure_torchvision()
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from bokehbench.core.diffusers import DDPMScheduler

    folder = tmp_path_factory.mktemp("hub") / "RealVisXL_V5.0"
    torch.manual_seed(0)
    unet = _tiny_unet()
    _sharpen_attention(unet)
    unet.save_pretrained(folder / "unet")
    _tiny_vae().save_pretrained(folder / "vae")
    DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").save_pretrained(
        folder / "scheduler"
    )
    config = CLIPTextConfig(
        vocab_size=64,
        hidden_size=TEXT_WIDTH,
        intermediate_size=TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    CLIPTextModelWithProjection(config).save_pretrained(folder / "text_encoder_2")
    for name in ("tokenizer", "tokenizer_2"):
        _write_tokenizer(folder / name)
    index = {"_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="session")
def lora_state(sdxl_folder):
    """A random LoRA of rank and alpha 8 in peft's names: attention, feed-forward, convolutions, embeddings."""
    from bokehbench.core.diffusers import LoraConfig, UNet2DConditionModel, get_peft_model_state_dict

    unet = UNet2DConditionModel.from_pretrained(sdxl_folder, subfolder="unet", use_safetensors=True)
    unet.add_adapter(LoraConfig(r=8, lora_alpha=8, target_modules=LORA_TARGETS))
    torch.manual_seed(1)
    return {key: 0.05 * torch.randn_like(tensor) for key, tensor in get_peft_model_state_dict(unet).items()}


@pytest.fixture
def authors_folder(sdxl_folder, lora_state, tmp_path):
    """A folder as the two downloads leave it: RealVisXL_V5.0/ and small/, keys as ``save_attn_procs`` writes them."""
    return write_authors_folder(tmp_path / "authors", sdxl_folder, lora_state)


def write_authors_folder(folder: Path, sdxl_folder: Path, lora_state: dict[str, torch.Tensor]) -> Path:
    """Write what ``authors_folder`` is to ``folder``."""
    (folder / "small").mkdir(parents=True)
    (folder / "RealVisXL_V5.0").symlink_to(sdxl_folder)
    save_file(lora_state, folder / "small" / "pytorch_lora_weights.safetensors")
    torch.save(partial_encoder(sdxl_folder), folder / "small" / "vae.ckpt")
    return folder


def partial_encoder(sdxl_folder: Path) -> dict[str, torch.Tensor]:
    """What the authors train of the VAE: conv_in, the middle and conv_out of its encoder, with other values."""
    from bokehbench.core.diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(sdxl_folder, subfolder="vae", use_safetensors=True)
    prefixes = ("encoder.conv_in.", "encoder.mid_block.", "encoder.conv_out.")
    return {name: p.detach() * 1.1 for name, p in vae.named_parameters() if name.startswith(prefixes)}


def _sharpen_attention(unet: nn.Module) -> None:
    """Make attention matter: at its random start its contribution is lost next to the residual stream."""
    for name, parameter in unet.named_parameters():
        if ".attn1.to_" in name and name.endswith("weight"):
            parameter.data.mul_(3.0)


def _tiny_unet() -> nn.Module:
    from bokehbench.core.diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(16, 32, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 2, 2),
        transformer_layers_per_block=(1, 2, 1),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + TEXT_WIDTH,
        cross_attention_dim=2 * TEXT_WIDTH,
        norm_num_groups=8,
    )


def _tiny_vae() -> nn.Module:
    from bokehbench.core.diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 16, 16, 16),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=8,
        scaling_factor=0.13025,
    )


def _write_tokenizer(folder: Path) -> None:
    folder.mkdir()
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "<|endoftext|>"})
    )
