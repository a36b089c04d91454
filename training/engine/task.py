"""What the loop trains: a task. It knows a model, its samples and its losses; the engine knows the task only."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from .config import RunConfig

Batch = dict[str, Tensor]
"""Samples stacked along a first axis. ``index`` (B,) says which they are; all else is between a task and its data."""


@dataclass(frozen=True)
class StepLosses:
    """``terms``: name to weighted scalar, their sum is the loss. ``mse``: of the picture, in [0,1] units, for PSNR.

    ``predicted``, ``target``: pictures (B,3,H,W) for the adversary; None where a task has none.
    """

    terms: dict[str, Tensor]
    mse: Tensor
    predicted: Tensor | None = None
    target: Tensor | None = None


class ParameterGroup(TypedDict):
    """Trained parameters with the same needs.

    ``rate``: factor on the learning rate. ``muon``: whether matrices and convolutions may take Muon's steps, where the
    run's optimiser is Muon: not for layers that start at zero or make pictures.
    """

    params: list[nn.Parameter]
    rate: float
    muon: bool


class Discriminator(Protocol):
    """Tells real pictures from rendered ones (B,3,H,W). Only ``heads`` is trained, and is all that a checkpoint needs.

    It is a module.
    """

    @property
    def heads(self) -> nn.Module:
        """Return what is trained."""

    def generator_loss(self, pictures: Tensor) -> Tensor:
        """Return how little pictures seem real; its gradient reaches them, and not the heads."""

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return how badly the heads tell ``real`` from ``fake``; its gradient reaches the heads only."""


@dataclass(frozen=True)
class AdversarialTerm:
    """A discriminator that is trained along, and what its judgement weighs in the task's loss.

    ``first_step``: from which its judgement counts. ``rate``: factor on the learning rate, for its own AdamW.
    """

    discriminator: Discriminator
    weight: float
    first_step: int = 0
    rate: float = 1.0


class Task(nn.Module, ABC):
    """Holds the networks as sub-modules, so that frameworks can move, wrap and average them."""

    @abstractmethod
    def dataset(self) -> Dataset[Any]:
        """Return the samples, by index; endless unless it has a length. Each has its ``index``."""

    @abstractmethod
    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Return the loss terms of a batch at a step; all randomness comes from the batch and the step."""

    @abstractmethod
    def parameter_groups(self) -> list[ParameterGroup]:
        """Return every trained parameter once, in a fixed order."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return, as JSON would keep it, what the result depends on besides the run's configuration.

        The model's configuration is part of it, and so are digests of files that may change under their names.
        """

    @abstractmethod
    def validation_dataset(self) -> Dataset[Any] | None:
        """Return samples that are never trained on; None where the configuration names none."""

    @abstractmethod
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the picture that the model makes of a batch of one, and the truth: both (1,3,H,W), in [0,1]."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the result, in float32."""

    def adversary(self) -> AdversarialTerm | None:
        """Return the adversarial term, None without one."""
        return None

    def forward(self, batch: Batch, step: int) -> StepLosses:
        """Return ``losses``: distributed training wraps this."""
        return self.losses(batch, step)


class TaskConfig(Protocol):
    """The entry ``model`` of a configuration, a frozen dataclass: one type a task, see ``training.registry``."""

    def build(self, run: RunConfig, device: torch.device) -> Task:
        """Build the networks on ``device``, and the task that trains them. The initial weights belong to the seed."""
