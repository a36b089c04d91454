"""What the passes of one update gave: the means for the log, and whether all of it is finite."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ...core.errors import BokehBenchError


class TrainingDivergedError(BokehBenchError):
    """A loss term that is no longer finite."""


class PassMeans:
    """Collects loss terms pass by pass; the device is waited for once, when they are read."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._values: list[Tensor] = []
        self._indices: list[Tensor] = []

    def add(self, terms: Mapping[str, Tensor], mse: Tensor, indices: Tensor) -> None:
        """Keep a pass's terms and squared error (scalars), and which samples it saw."""
        self._names = [*terms]
        self._values.append(torch.stack([*(term.detach().float() for term in terms.values()), mse.float()]))
        self._indices.append(indices)

    def read(self, step: int, seed: int) -> tuple[dict[str, float], float]:
        """Return the terms and the squared error, each the mean over passes.

        Raises TrainingDivergedError naming the first term that is not finite, and the samples of its pass.
        """
        values = torch.stack(self._values).cpu()
        for row, indices in zip(values.tolist(), self._indices, strict=True):
            for name, value in zip(self._names, row, strict=False):
                if not math.isfinite(value):
                    samples = ", ".join(map(str, indices.tolist()))
                    raise TrainingDivergedError(
                        f"step {step}: the term '{name}' is {value} on samples {samples} of seed {seed}: "
                        "lower the learning rate; the last checkpoint is kept"
                    )
        *terms, mse = values.mean(dim=0).tolist()
        return dict(zip(self._names, terms, strict=True)), mse
