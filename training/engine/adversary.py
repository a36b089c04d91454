"""The adversarial term in the loop: what the generator hears of the discriminator, and how that one learns."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ...core.errors import InvalidOptionError
from ..losses.discriminator import Discriminator, load_features
from .config import TrainingConfig
from .task import StepLosses


class Adversary:
    """A discriminator with its own AdamW, at ``discriminator_rate`` times the learning rate, constant.

    Raises MissingWeightsError where the pretrained features cannot be had.
    """

    def __init__(self, config: TrainingConfig, accelerator: Accelerator):
        losses, optimiser = config.losses, config.optimiser
        self._weight, self._first_step = losses.adversarial, losses.adversarial_from
        self._accelerator = accelerator
        self._discriminator = Discriminator(load_features(losses.discriminator_weights), config.profile)
        adamw = torch.optim.AdamW(
            self._discriminator.heads.parameters(),
            lr=optimiser.discriminator_rate * optimiser.learning_rate,
            betas=optimiser.betas,
            eps=optimiser.epsilon,
            weight_decay=optimiser.weight_decay,
        )
        self._judge, self._optimiser = accelerator.prepare(_Judge(self._discriminator), adamw)

    def terms(self, losses: StepLosses, step: int) -> dict[str, Tensor]:
        """Return the generator's weighted term; none before ``adversarial_from``."""
        if step < self._first_step:
            return {}
        return {"adversarial": self._weight * self._discriminator.generator_loss(_pictures(losses)[0])}

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
        return {"heads": self._discriminator.heads.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self._discriminator.heads.load_state_dict(state["heads"])
        self._optimiser.load_state_dict(state["optimiser"])


class _Judge(nn.Module):
    """The discriminator's own loss as a forward pass, which is what distributed training wraps."""

    def __init__(self, discriminator: Discriminator):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.discriminator.discriminator_loss(real, fake)


def _pictures(losses: StepLosses) -> tuple[Tensor, Tensor]:
    if losses.predicted is None or losses.target is None:
        raise InvalidOptionError("losses.adversarial: this stage makes no pictures: set it to 0")
    return losses.predicted, losses.target
