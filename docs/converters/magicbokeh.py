"""Writes MagicBokeh's weights, which its authors give as a pickle, as safetensors and JSON that BokehBench reads.

    git clone https://github.com/vivoCameraResearch/MagicBokeh && cd MagicBokeh
    hf download LinxiaoShi/Magicbokeh lora.pkl --local-dir checkpoint
    python WHERE_IT_LIES/magicbokeh.py checkpoint/lora.pkl FOLDER

Run it once, in the authors' environment (Python 3.10, their requirements.txt), with their clone as working directory:
the pickle holds a module of theirs. READING A PICKLE RUNS WHATEVER CODE IT NAMES: convert a file that you trust, best
in a container without a network. Afterwards neither the pickle nor their code is needed.

Writes unet_lora, vae_lora, controlnet and bokeh_lora (.safetensors), training.json, and magicbokeh.json last. Names of
weights stay the authors', without the adapters' names, which peft puts into them. Stands alone: needs PyTorch and
safetensors, and for the pickle what it names.
"""

import argparse
import hashlib
import json
import os
import pickle
import re
import sys

import torch
from safetensors.torch import save_file

LORA = re.compile(r"\.lora_([AB])\.[^.]+\.weight$")
PEFT_ALPHA = 8
"""lora_alpha of peft's LoraConfig, which the authors leave at its default."""

BOKEH_ALPHA = 1


def main(arguments=None):
    """Convert what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", help="lora.pkl")
    parser.add_argument("folder", help="is made; files of the same names in it are replaced")
    options = parser.parse_args(arguments)
    if not os.path.isfile(options.pickle):
        sys.exit(f"{options.pickle}: no such file")
    sys.path.insert(0, os.getcwd())  # the pickled module's class is looked for in the clone
    try:
        checkpoint = torch.load(options.pickle, map_location="cpu", weights_only=False)
    except (ImportError, AttributeError) as error:
        sys.exit(f"{options.pickle}: {error}: run this in the authors' environment, from within their clone")
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        sys.exit(f"{options.pickle}: {str(error).splitlines()[0].rstrip('.')}: a damaged file: get it again")
    try:
        parts, description = take_apart(checkpoint)
    except (KeyError, ValueError) as error:
        sys.exit(f"{options.pickle}: {error.args[0]}")
    write(options.folder, parts, description, sha256_of(options.pickle))
    print(f"written to {options.folder}: use magicbokeh@{options.folder}")


def take_apart(checkpoint):
    """Return four state dicts by the name of their file, and what magicbokeh.json says."""
    entries = ("rank_unet", "rank_vae", "unet_lora_encoder_modules", "unet_lora_decoder_modules")
    entries += ("vae_lora_encoder_modules", "state_dict_unet", "state_dict_vae", "controlnet", "state_dict_attn")
    for entry in (*entries, "processor_state_dict"):
        if entry not in checkpoint:
            raise KeyError(f"there is no entry '{entry}': is it MagicBokeh's lora.pkl?")
    unet_layers = checkpoint["unet_lora_encoder_modules"] + checkpoint["unet_lora_decoder_modules"]
    vae_layers = checkpoint["vae_lora_encoder_modules"]
    unet = lora_of(checkpoint["state_dict_unet"], unet_layers, "state_dict_unet")
    for kind in ("weight", "bias"):  # trained whole, beside its LoRA
        unet["conv_in." + kind] = entry_of(checkpoint["state_dict_unet"], "conv_in.base_layer." + kind)
    parts = {
        "unet_lora": unet,
        "vae_lora": lora_of(checkpoint["state_dict_vae"], vae_layers, "state_dict_vae"),
        "controlnet": checkpoint["controlnet"].state_dict(),
        "bokeh_lora": checkpoint["processor_state_dict"],
    }
    description = {
        "format": "magicbokeh",
        "version": 1,
        "unet_rank": checkpoint["rank_unet"],
        "unet_alpha": PEFT_ALPHA,
        "unet_layers": sorted(set(unet_layers)),
        "vae_rank": checkpoint["rank_vae"],
        "vae_alpha": PEFT_ALPHA,
        "vae_layers": sorted(set(vae_layers)),
        "bokeh_rank": checkpoint["state_dict_attn"],  # whatever its name says: a number
        "bokeh_alpha": BOKEH_ALPHA,
    }
    return parts, description


def lora_of(state, layers, entry):
    """Return the two matrices of each layer, without the adapter's name."""
    found = {LORA.sub(r".lora_\1.weight", name): tensor for name, tensor in state.items() if LORA.search(name)}
    wanted = [f"{layer}.lora_{side}.weight" for layer in sorted(set(layers)) for side in "AB"]
    for name in wanted:
        if name not in found:
            raise ValueError(f"{entry}: there is no '{name}', though its layer is listed")
    if len(found) != len(wanted):
        raise ValueError(f"{entry}: '{sorted(set(found) - set(wanted))[0]}' belongs to no layer listed")
    return found


def entry_of(state, name):
    """Return a tensor by name."""
    if name not in state:
        raise ValueError(f"state_dict_unet: there is no '{name}'")
    return state[name]


def write(folder, parts, description, sha256):
    """Write the files; the one that makes them a whole comes last."""
    os.makedirs(folder, exist_ok=True)
    whole = os.path.join(folder, "magicbokeh.json")
    if os.path.exists(whole):
        os.remove(whole)
    for name, state in parts.items():
        tensors = {key: tensor.detach().contiguous().clone() for key, tensor in state.items()}
        save_file(tensors, os.path.join(folder, name + ".safetensors"))
    summary = f"the authors' weights, converted from a lora.pkl with the SHA-256 {sha256}"
    for name, content in (("training.json", {"summary": summary}), ("magicbokeh.json", description)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)


def sha256_of(path):
    """Return a file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
