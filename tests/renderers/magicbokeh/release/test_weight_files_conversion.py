"""The stand-alone converter: what it writes is what it read, and what it cannot use it names."""

import json

import pytest
import torch
from safetensors.torch import load_file


def test_round_trip(release, checkpoint):
    description = json.loads((release / "magicbokeh.json").read_text())
    assert (description["unet_rank"], description["vae_rank"], description["bokeh_rank"]) == (4, 2, 3)
    assert (description["unet_alpha"], description["vae_alpha"], description["bokeh_alpha"]) == (8, 8, 1)
    expected = {
        name.replace(".default_encoder", "").replace(".default_decoder", "").replace(".base_layer", ""): tensor
        for name, tensor in checkpoint["state_dict_unet"].items()
    }
    found = load_file(release / "unet_lora.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    bokeh = load_file(release / "bokeh_lora.safetensors")
    assert all(torch.equal(bokeh[name], tensor) for name, tensor in checkpoint["processor_state_dict"].items())


@pytest.mark.parametrize(
    ("entry", "change", "said"),
    [
        ("controlnet", None, "there is no entry 'controlnet': is it MagicBokeh's lora.pkl"),
        ("vae_lora_encoder_modules", ["nothing"], r"state_dict_vae: there is no 'nothing\.lora_A\.weight'"),
        ("unet_lora_decoder_modules", ["conv_out"], r"state_dict_unet: 'up_blocks.*' belongs to no layer listed"),
    ],
)
def test_what_cannot_be_used_is_named(checkpoint, converter, tmp_path, entry, change, said):
    other = {name: value for name, value in checkpoint.items() if name != entry or change is not None}
    if change is not None:
        other[entry] = change
    torch.save(other, tmp_path / "lora.pkl")
    with pytest.raises(SystemExit, match=said):
        converter.main([str(tmp_path / "lora.pkl"), str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match=r"nowhere\.pkl: no such file"):
        converter.main([str(tmp_path / "nowhere.pkl"), str(tmp_path / "out")])
