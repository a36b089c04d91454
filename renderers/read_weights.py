"""Networks from files, whole or not at all: the authors' checkpoints, read as tensors only, and a training's."""

import pickle
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..core.errors import MissingWeightsError
from .diffusion.stored_networks import check_finite, naming_damage

Network = TypeVar("Network", bound=nn.Module)

NUMPY_RECORDS = [
    np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),  # type: ignore[attr-defined] # of numpy 1
    np.ndarray,
    np.dtype,
    *(np.dtypes.Int32DType, np.dtypes.Int64DType, np.dtypes.Float32DType, np.dtypes.Float64DType),
]
"""What lies beside the weights in BokehMe's files: counters, as arrays of numpy."""

PARALLEL = "module."
"""What torch.nn.DataParallel puts before the names of weights."""


def read_network(network: Network, path: Path, entry: str = "model", required: bool = True) -> Network:
    """Fill ``network`` from a file, tensor by tensor; returns it, in float32 on the CPU.

    One on the meta device is given memory once the file is known to fit.

    ``path``: safetensors, or a checkpoint of PyTorch with the weights under ``entry``, or, unless that is ``required``,
    with nothing else; each name with or without the ``module.`` that DataParallel puts before it. Raises
    MissingWeightsError that names the file where it cannot be read, and the tensor that is absent, unknown or of
    another shape, InvalidOptionError for one that is not finite.
    """
    with naming_damage(path):
        state = load_file(path) if path.suffix == ".safetensors" else _read_checkpoint(path, entry, required)
    expected = network.state_dict()
    for name in [*(expected.keys() - state.keys()), *(state.keys() - expected.keys())]:
        problem = "lacks" if name in expected else "holds, beside the network's,"
        raise MissingWeightsError(f"{path}: the file {problem} '{name}': get it again")
    for name, tensor in expected.items():
        got = state[name]
        fits = isinstance(got, Tensor) and got.shape == tensor.shape
        if not fits or got.is_floating_point() != tensor.is_floating_point():
            found = f"{tuple(got.shape)} of {got.dtype}" if isinstance(got, Tensor) else type(got).__name__
            raise MissingWeightsError(f"{path}: '{name}': expected {tuple(tensor.shape)}, got {found}: get it again")
    if any(weight.is_meta for weight in network.parameters()):
        network.to_empty(device="cpu")
    network.load_state_dict(state)
    check_finite(network, path)
    return network


def _read_checkpoint(path: Path, entry: str, required: bool) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(NUMPY_RECORDS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise MissingWeightsError(f"{path}: not complete, or it holds more than tensors: get it again") from error
    state = content.get(entry, None if required else content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise MissingWeightsError(f"{path}: expected a checkpoint with weights under '{entry}': get it again")
    if all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): tensor for name, tensor in state.items()}
    return state
