"""The adversarial term in the loop: what the generator learns from a discriminator, and how that one learns itself."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ...core.errors import InvalidOptionError
from .config import OptimiserConfig
from .optimisers import check_moments
from .task import AdversarialTerm, Discriminator, StepLosses


class Adversary:
    """Trains a discriminator by an AdamW of its own, at ``term.rate`` times the learning rate, constant."""

    def __init__(self, term: AdversarialTerm, optimiser: OptimiserConfig, accelerator: Accelerator):
        self._term = term
        self._accelerator = accelerator
        adamw = torch.optim.AdamW(
            term.discriminator.heads.parameters(),
            lr=term.rate * optimiser.learning_rate,
            betas=optimiser.betas,
            eps=optimiser.epsilon,
            weight_decay=optimiser.weight_decay,
        )
        self._judge, self._optimiser = accelerator.prepare(_Judge(term.discriminator), adamw)

    def terms(self, losses: StepLosses, step: int) -> dict[str, Tensor]:
        """Return the generator's weighted term; none before its first step."""
        if step < self._term.first_step:
            return {}
        return {"adversarial": self._term.weight * self._term.discriminator.generator_loss(_pictures(losses)[0])}

    def learn(self, losses: StepLosses) -> Tensor:
        """Take one step of the discriminator on the pictures of a forward pass; return its loss."""
        predicted, target = _pictures(losses)
        loss = self._judge(target, predicted)
        self._accelerator.backward(loss)
        self._optimiser.step()
        self._optimiser.zero_grad()  # last: skipped, like the step, until all passes of an update are in
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"heads": self._term.discriminator.heads.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self._term.discriminator.heads.load_state_dict(state["heads"])
        self._optimiser.load_state_dict(state["optimiser"])
        check_moments(self._optimiser)


class _Judge(nn.Module):
    """The discriminator's own loss as a forward pass, which is what distributed training wraps."""

    def __init__(self, discriminator: Discriminator):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.discriminator.discriminator_loss(real, fake)


def _pictures(losses: StepLosses) -> tuple[Tensor, Tensor]:
    if losses.predicted is None or losses.target is None:
        raise InvalidOptionError("adversary: this task makes no pictures for it")
    return losses.predicted, losses.target
