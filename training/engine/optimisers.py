"""A run's optimiser, and what of its state must fit its parameters."""

from typing import Any

import torch
from torch import Tensor

from .config import OptimiserConfig
from .muon import MuonAdamW
from .task import ParameterGroup


def check_moments(optimiser: torch.optim.Optimizer) -> None:
    """Raise ValueError unless all that an optimiser keeps of its parameters has their shapes and is finite."""
    for parameter, kept in optimiser.state.items():
        momenta = {"momentum"} if "momentum" in kept else {"exp_avg", "exp_avg_sq"}
        if kept.keys() != momenta | {"step"}:
            raise ValueError(f"optimiser: expected step, {', '.join(sorted(momenta))}, got {', '.join(map(str, kept))}")
        for name, value in kept.items():
            shape = torch.Size() if name == "step" else parameter.shape
            fits = isinstance(value, Tensor) and value.shape == shape and bool(value.isfinite().all())
            if not fits:
                raise ValueError(f"optimiser: {name} does not fit a parameter of {tuple(parameter.shape)}")


def make_optimiser(groups: list[ParameterGroup], config: OptimiserConfig) -> torch.optim.Optimizer:
    """Return the optimiser of the configuration, with each group's own rate."""
    muon = config.method == "muon"
    rated: list[dict[str, Any]] = [
        {"params": group["params"], "lr": group["rate"] * config.learning_rate}
        | ({"muon": group["muon"]} if muon else {})
        for group in groups
    ]
    make = MuonAdamW if muon else torch.optim.AdamW
    return make(rated, betas=config.betas, eps=config.epsilon, weight_decay=config.weight_decay)
