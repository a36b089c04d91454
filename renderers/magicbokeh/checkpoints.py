"""Networks to and from the folders that ``magicbokeh@FOLDER`` names."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..read_weights import read_network
from .network import MagicBokehNetwork
from .weight_files import NETWORK_FILE, SETTINGS_FILE, MagicFiles


def save_network(network: MagicBokehNetwork, folder: Path) -> None:
    """Write a network and its settings to ``folder`` in float16; the network itself is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.half().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / NETWORK_FILE)
    (folder / SETTINGS_FILE).write_text(json.dumps(network.settings.to_json(), indent=2) + "\n")


def load_network(files: MagicFiles) -> MagicBokehNetwork:
    """Read a network, in float32 on the CPU. Raises as ``read_weights.read_network``."""
    with torch.device("meta"):
        network = MagicBokehNetwork(files.settings)
    return read_network(network, files.folder / NETWORK_FILE)
