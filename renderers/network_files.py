"""Networks from files, whole or not at all: checkpoints of other people, read as tensors only, and safetensors."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..core.errors import MissingWeightsError
from .diffusion.stored_networks import check_finite, naming_damage

Network = TypeVar("Network", bound=nn.Module)


def fill_network(
    network: Network, path: Path, entry: str | None = None, required: bool = False, records: Sequence[Any] = ()
) -> Network:
    """Fill ``network`` from a file, tensor by tensor; returns it, in its own types on the CPU.

    ``path``: safetensors, or a checkpoint of PyTorch with the weights under ``entry``, or, unless that is ``required``,
    with nothing else. ``records``: what may lie beside the weights and is no tensor.
    Raises MissingWeightsError that names the file where it cannot be read, and the tensor that is absent, unknown, of
    another shape or not finite.
    """
    with naming_damage(path):
        state = load_file(path) if path.suffix == ".safetensors" else _read_checkpoint(path, entry, required, records)
    expected = network.state_dict()
    for name in [*(expected.keys() - state.keys()), *(state.keys() - expected.keys())]:
        problem = "lacks" if name in expected else "holds, beside the network's,"
        raise MissingWeightsError(f"{path}: the file {problem} '{name}': get it again")
    for name, tensor in expected.items():
        got = state[name]
        alike = isinstance(got, Tensor) and got.is_floating_point() == tensor.is_floating_point()
        if not alike or got.shape != tensor.shape:
            found = f"{tuple(got.shape)} of {got.dtype}" if isinstance(got, Tensor) else type(got).__name__
            raise MissingWeightsError(f"{path}: '{name}': expected {tuple(tensor.shape)}, got {found}: get it again")
    network.load_state_dict(state)
    check_finite(network, path)
    return network


def _read_checkpoint(path: Path, entry: str | None, required: bool, records: Sequence[Any]) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(list(records)):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise MissingWeightsError(f"{path}: not complete, or it holds more than tensors: get it again") from error
    state = content.get(entry, None if required else content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise MissingWeightsError(f"{path}: expected a checkpoint with weights under '{entry}': get it again")
    return state
