"""BokehMe's networks from files: the authors' checkpoints, which hold counters beside the weights, and a training's."""

from pathlib import Path

import numpy as np

from ..network_files import Network, fill_network

NUMPY_RECORDS = [
    np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),  # type: ignore[attr-defined] # of numpy 1
    np.ndarray,
    np.dtype,
    *(np.dtypes.Int32DType, np.dtypes.Int64DType, np.dtypes.Float32DType, np.dtypes.Float64DType),
]
"""What lies beside the weights in the authors' files: counters, as arrays of numpy."""


def read_network(network: Network, path: Path) -> Network:
    """Fill ``network`` from a file, tensor by tensor; returns it, in float32 on the CPU.

    ``path``: safetensors, or a checkpoint of PyTorch with the weights under ``model``. Raises MissingWeightsError that
    names the file where it cannot be read, and the tensor that is absent, unknown, of another shape or not finite.
    """
    return fill_network(network, path, entry="model", required=True, records=NUMPY_RECORDS)
