"""A random release small enough for tests: a base model, and a ``lora.pkl`` on it that the converter has rewritten."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bokehbench.renderers.magicbokeh.release import renderer, tiles
from bokehbench.renderers.magicbokeh.release.loading import load_release
from bokehbench.renderers.magicbokeh.release.networks import ControlBranch, build_unet
from bokehbench.renderers.magicbokeh.release.weight_files import BASE_FOLDER, find_files

from ...hub_cache import empty_hub_cache  # noqa: F401 - a fixture

CONVERTER = Path(__file__).resolve().parents[3] / "docs/converters/magicbokeh.py"
RANK, BOKEH_RANK, VAE_RANK = 4, 3, 2
QUERIES = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
UNET_ENCODER = ["conv_in", "down_blocks.0.resnets.0.conv1", QUERIES]
UNET_DECODER = ["up_blocks.1.attentions.0.proj_in", "conv_out"]
VAE_ENCODER = ["encoder.conv_in", "encoder.mid_block.attentions.0.to_q", "quant_conv"]
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


@pytest.fixture(scope="package")
def converter():
    """The stand-alone script, as a module."""
    spec = importlib.util.spec_from_file_location("magicbokeh_converter", CONVERTER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="package")
def base(tmp_path_factory):
    """The base model with text and middle block, its autoencoder in the names and the words of 2022."""
    from bokehbench.core.diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel

    folder = tmp_path_factory.mktemp("hub") / BASE_FOLDER
    with torch.random.fork_rng():
        torch.manual_seed(0)
        unet = UNet2DConditionModel(
            block_out_channels=(16, 32),
            layers_per_block=1,
            attention_head_dim=(2, 4),
            cross_attention_dim=8,
            norm_num_groups=8,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            use_linear_projection=True,
        )
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(16,) * 4,
            norm_num_groups=8,
        )
    unet.save_pretrained(folder / "unet")
    vae.save_pretrained(folder / "vae")
    schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False}
    DDPMScheduler(**schedule).save_pretrained(folder / "scheduler")
    _age(folder / "vae")
    return folder


@pytest.fixture(scope="package")
def checkpoint(base):
    """What ``lora.pkl`` holds."""
    configuration = json.loads((base / "unet/config.json").read_text())
    unet = build_unet(configuration).to_empty(device="cpu")
    control = ControlBranch(configuration).to_empty(device="cpu")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for weight in control.parameters():
            nn.init.normal_(weight, std=0.05)
        state = _lora(unet, UNET_ENCODER, "default_encoder", RANK) | _lora(unet, UNET_DECODER, "default_decoder", RANK)
        state |= {f"conv_in.base_layer.{kind}": torch.randn_like(getattr(unet.conv_in, kind)) for kind in BOTH}
        bokeh = {
            f"{layer}.processor.{name}_lora.{i}.weight": 0.3 * torch.randn(*((BOKEH_RANK, 16), (16, BOKEH_RANK))[i])
            for layer in [name for name, _ in unet.named_modules() if name[:3] == "up_" and name.endswith(".attn1")]
            for name in ("to_q", "to_k", "to_v", "to_out")
            for i in (0, 1)
        }
        vae = _lora(_vae(base), VAE_ENCODER, "default_encoder", VAE_RANK)
    return {
        "rank_unet": RANK,
        "rank_vae": VAE_RANK,
        "unet_lora_encoder_modules": UNET_ENCODER,
        "unet_lora_decoder_modules": UNET_DECODER,
        "vae_lora_encoder_modules": VAE_ENCODER,
        "state_dict_unet": state,
        "state_dict_vae": vae,
        "controlnet": control,
        "state_dict_attn": BOKEH_RANK,
        "processor_state_dict": bokeh,
    }


BOTH = ("weight", "bias")


@pytest.fixture(scope="package")
def release(base, checkpoint, converter, tmp_path_factory):
    """A folder for ``magicbokeh@FOLDER``."""
    home = tmp_path_factory.mktemp("release")
    torch.save(checkpoint, home / "lora.pkl")
    converter.main([str(home / "lora.pkl"), str(home / "converted")])
    (home / "converted" / BASE_FOLDER).symlink_to(base)
    return home / "converted"


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 64 px, as 512 px take seconds."""
    for module in (tiles, renderer):
        monkeypatch.setattr(module, "TILE_PX", 64)
    monkeypatch.setattr(tiles, "STRIDE_PX", 32)


@pytest.fixture
def copy(release, tmp_path):
    """A release of one's own to damage: its files, and the base's, are links that may be replaced."""
    folder = tmp_path / "copy"
    for path in [*release.glob("*.*"), *(release / BASE_FOLDER).glob("*/*")]:
        place = folder / path.relative_to(release)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())
    return folder


@pytest.fixture(scope="package")
def networks(release):
    return load_release(find_files(str(release), download=False))


def _lora(network, layers, adapter, rank):
    state = {}
    for layer in layers:
        weight = network.get_submodule(layer).weight
        out, *rest = weight.shape
        state[f"{layer}.lora_A.{adapter}.weight"] = 0.2 * torch.randn(rank, *rest)
        state[f"{layer}.lora_B.{adapter}.weight"] = 0.2 * torch.randn(out, rank, *(1 for _ in rest[1:]))
    return state


def _vae(base):
    from bokehbench.core.diffusers import AutoencoderKL

    with torch.device("meta"):
        return AutoencoderKL.from_config(json.loads((base / "vae/config.json").read_text()))


def _age(folder):
    """Write an autoencoder as the base's is: attention in old names, and no scaling factor in its configuration."""
    path = folder / "diffusion_pytorch_model.safetensors"
    state = {}
    for name, tensor in load_file(path).items():
        for new, old in OLD_NAMES.items():
            name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        state[name] = tensor
    save_file(state, path)
    configuration = json.loads((folder / "config.json").read_text())
    del configuration["scaling_factor"]
    (folder / "config.json").write_text(json.dumps(configuration))
