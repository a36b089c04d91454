"""The authors' networks from converted files: what is folded in, what is left out, what is refused by name."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from bokehbench.core.errors import BokehBenchError
from bokehbench.renderers.magicbokeh.release.loading import load_release
from bokehbench.renderers.magicbokeh.release.networks import PRUNED
from bokehbench.renderers.magicbokeh.release.weight_files import BASE_FOLDER, find_files

from ..conftest import OLD_NAMES, RANK, UNET_DECODER, UNET_ENCODER, VAE_ENCODER, VAE_RANK

FILE = "diffusion_pytorch_model.safetensors"


def test_every_weight_is_the_bases_with_the_lora_the_authors_or_pruned(networks, base, checkpoint):
    own, found = load_file(base / "unet" / FILE), networks.unet.state_dict()
    state, layers = checkpoint["state_dict_unet"], [*UNET_ENCODER, *UNET_DECODER]
    own["conv_in.weight"], own["conv_in.bias"] = (state[f"conv_in.base_layer.{x}"] for x in ("weight", "bias"))
    assert {name for name in own if not PRUNED.search(name)} | set(checkpoint["processor_state_dict"]) == set(found)
    assert any("mid_block" in name for name in own)
    for name in own.keys() & found.keys():
        expected, layer = own[name], name.removesuffix(".weight")
        if layer in layers:
            adapter = "default_encoder" if layer in UNET_ENCODER else "default_decoder"
            expected = expected + 8 / RANK * product(state, layer, adapter).reshape(expected.shape)
        torch.testing.assert_close(found[name], expected)
    for name, tensor in checkpoint["processor_state_dict"].items():
        assert torch.equal(found[name], tensor)
    for name, tensor in checkpoint["controlnet"].state_dict().items():
        assert torch.equal(networks.control.state_dict()[name], tensor)


def test_autoencoder_in_old_names_takes_its_lora_in_new_ones(networks, base, checkpoint):
    own, found = load_file(base / "vae" / FILE), networks.vae.state_dict()
    layer = VAE_ENCODER[1]
    old = own[f"{layer.replace('to_q', OLD_NAMES['to_q'])}.weight"]
    expected = old + 8 / VAE_RANK * product(checkpoint["state_dict_vae"], layer, "default_encoder")
    torch.testing.assert_close(found[f"{layer}.weight"], expected)
    assert networks.vae.config.scaling_factor == 0.18215
    assert len(found) == len(own)


def test_schedule_is_stable_diffusions_at_its_last_step(networks):
    assert networks.alpha_bar == pytest.approx(0.0046601, rel=1e-4)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("unet_lora", ("conv_out.lora_A.weight", None), r"unet_lora\.safetensors: the LoRA lacks 'conv_out\.lora_A"),
        ("unet_lora", ("conv_in.weight", None), r"unet_lora\.safetensors: the file lacks 'conv_in\.weight'"),
        ("unet_lora", ("a.lora_B.weight", (4, 4)), r"the LoRA holds, beside its layers', 'a\.lora_B\.weight'"),
        ("vae_lora", ("quant_conv.lora_B.weight", (8, 3, 1, 1)), r"expected \(8, 2, 1, 1\), got \(8, 3, 1, 1\)"),
        ("controlnet", ("conv_in.weight", None), r"controlnet\.safetensors: the file lacks 'conv_in\.weight'"),
        ("controlnet", ("mid_block.a", (1,)), r"controlnet\.safetensors: the file holds, .* 'mid_block\.a'"),
        ("bokeh_lora", ("x", (1,)), r"bokeh_lora\.safetensors: the file holds, beside the network's, 'x'"),
        (
            f"{BASE_FOLDER}/unet/diffusion_pytorch_model",
            ("conv_out.bias", None),
            r"unet: the file lacks 'conv_out\.bias'",
        ),
        (f"{BASE_FOLDER}/vae/diffusion_pytorch_model", ("conv", (1,)), r"vae: the file holds, .* 'conv'"),
    ],
)
def test_wrong_tensors_are_named_with_their_file(copy, file, change, said):
    path, (name, shape) = copy / f"{file}.safetensors", change
    state = load_file(path)
    path.unlink()
    if shape is None:
        del state[name]
    else:
        state[name] = torch.zeros(shape)
    save_file(state, path)
    with pytest.raises(BokehBenchError, match=said):
        load_release(find_files(str(copy), download=False))


def test_infinite_weights_are_named(copy):
    path = copy / "bokeh_lora.safetensors"
    state = load_file(path)
    name = min(state)
    state[name][0, 0] = torch.inf
    path.unlink()
    save_file(state, path)
    with pytest.raises(BokehBenchError, match=f"'{name}' holds NaN or infinite values"):
        load_release(find_files(str(copy), download=False))


@pytest.mark.parametrize(("entry", "value"), [("clip_sample", True), ("prediction_type", "v_prediction")])
def test_schedule_that_the_one_step_does_not_hold_for_is_refused(copy, entry, value):
    path = copy / BASE_FOLDER / "scheduler/scheduler_config.json"
    values = json.loads(path.read_text()) | {entry: value}
    path.unlink()
    path.write_text(json.dumps(values))
    with pytest.raises(BokehBenchError, match=f"scheduler_config.json: {entry}: expected .*, got {value!r}"):
        load_release(find_files(str(copy), download=False))


def product(state, layer, adapter):
    down, up = (state[f"{layer}.lora_{side}.{adapter}.weight"].flatten(1) for side in "AB")
    return up @ down
