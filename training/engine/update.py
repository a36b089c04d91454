"""What one update changes: the weights, by an optimiser at a scheduled rate, their averages, and an adversary."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from .adversary import Adversary
from .averaged import AveragedWeights
from .config import RunConfig
from .optimisers import check_moments, make_optimiser
from .pass_means import PassMeans
from .schedules import learning_rate_factor
from .task import StepLosses, Task


class Update:
    """Takes steps of ``task``'s weights. ``model`` is the task as a forward pass, wrapped as the processes need it."""

    def __init__(self, task: Task, config: RunConfig, accelerator: Accelerator):
        self._config, self._accelerator = config, accelerator
        chosen, groups = config.optimiser, task.parameter_groups()
        self._trained = [parameter for group in groups for parameter in group["params"]]
        optimiser = make_optimiser(groups, chosen)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: learning_rate_factor(step, config.steps, chosen.warmup, chosen.hold)
        )
        self.averaged = AveragedWeights(self._trained, config.ema)
        term = task.adversary()
        self._adversary = None if term is None else Adversary(term, chosen, accelerator)
        self.model, self.optimiser = accelerator.prepare(task, optimiser)
        self._passes = PassMeans()

    def take(self, losses: StepLosses, indices: Tensor, step: int) -> tuple[dict[str, float], float] | None:
        """Learn from a pass; with an update's last one, step, and return the means of its terms and squared errors.

        ``indices``: which samples the pass saw. Raises TrainingDivergedError before a step that would spoil the
        weights.
        """
        terms, means = dict(losses.terms), None
        if self._adversary is not None:
            terms |= self._adversary.terms(losses, step)
        self._passes.add(terms, losses.mse, indices)
        if self._accelerator.sync_gradients:
            means = self._passes.read(step, self._config.seed)
            self._passes = PassMeans()
        self._accelerator.backward(sum(terms.values()))
        if self._accelerator.sync_gradients:
            self._accelerator.clip_grad_norm_(self._trained, self._config.optimiser.clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self._accelerator.sync_gradients:
            self.schedule.step()
            self.averaged.step()
        if self._adversary is not None:
            self._adversary.learn(losses)
        return means

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        weights = [p.detach().cpu() for p in self._trained]
        return {"weights": weights} | {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned. Raises ValueError where it does not fit."""
        with torch.no_grad():
            for parameter, stored in zip(self._trained, state["weights"], strict=True):
                parameter.copy_(stored)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        check_moments(self.optimiser)

    def _parts(self) -> dict[str, Any]:
        """Return what has a state of its own beside the weights."""
        parts = {
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "averaged": self.averaged,
            "scaler": self._accelerator.scaler,
            "adversary": self._adversary,
        }
        return {name: part for name, part in parts.items() if part is not None}
