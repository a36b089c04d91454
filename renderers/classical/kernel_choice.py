"""Which scatter runs where: by what the device and the installation can do, and only after it has proved itself."""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .cpu.spans import scatter_spans
from .device.offsets import scatter_on_device

log = logging.getLogger(__name__)

PROOF_TOLERANCE = 1e-3
PROOF_SIDE, PROOF_RADIUS_PX = 24, 9.0


@dataclass(frozen=True)
class ScatterKernel:
    """An implementation of ``scatter_reference`` and the name that results record."""

    name: str
    scatter: Callable[[Tensor, Tensor], Tensor]


SPANS = ScatterKernel("spans, compiled for the CPU", scatter_spans)
OFFSETS = ScatterKernel("offsets, PyTorch", scatter_on_device)


def choose_kernel(device: torch.device) -> ScatterKernel:
    """Return the fastest scatter for a device: compiled spans on the CPU, Triton's on CUDA, else PyTorch's offsets.

    Triton's kernel is compiled here, and compared with PyTorch's on a small picture. Where it is absent, does not
    compile or differs, PyTorch's runs, and the log says why.
    """
    if device.type == "cpu":
        return SPANS
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return OFFSETS
    try:
        from .device.triton_spans import scatter_triton

        prove(scatter_triton, device)
    except Exception as error:  # noqa: BLE001 - drivers and compilers fail in many ways; the slower path is right too
        log.warning("classical: Triton's scatter is not used: %s", " ".join(str(error).split()))
        return OFFSETS
    return ScatterKernel("spans, Triton", scatter_triton)


def prove(scatter: Callable[[Tensor, Tensor], Tensor], device: torch.device) -> None:
    """Hold a scatter against PyTorch's on a small picture. Raises ValueError where they differ."""
    generator = torch.Generator().manual_seed(0)
    linear = torch.rand(3, PROOF_SIDE, PROOF_SIDE + 8, generator=generator).to(device)
    radius_px = PROOF_RADIUS_PX * torch.rand(PROOF_SIDE, PROOF_SIDE + 8, generator=generator).to(device)
    difference = float((scatter(linear, radius_px) - scatter_on_device(linear, radius_px)).abs().max())
    if not difference <= PROOF_TOLERANCE:
        raise ValueError(f"it differs from PyTorch's by {difference:.1e} on a test picture")
