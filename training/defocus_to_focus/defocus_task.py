"""Stage 1: what is in focus and how far the rest is blurred, guessed; and how much a bright pixel counts."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from ...renderers.defocus_to_focus.compact import CompactHallucination
from ...renderers.defocus_to_focus.halving import halve
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses
from ..losses.ssim import ssim_loss
from .config import DefocusConfig
from .habit_scenes import SharpScenes
from .stage import Stage, size_of, true_defocus


class DefocusTask(Stage):
    """Loss: |D - D*| + edges |grad D - grad D*| + likelihood H(D*, D), and later |B - T| + ssim (1 - SSIM), all means.

    D* is the defocus whose layer blurs as the scene's lens does; pictures are compared at half the size. The paper
    supervises D by the picture alone, through layers whose masks give hardly any gradient where they are hard; so the
    defocus comes first, and the masks of the rendering begin soft.

    Absolute differences alone end in one value for the whole picture, since most of it is background, and a sigmoid
    that is sure of it has no gradient. The cross-entropy H has, and falls to 0 by the end, for it would rather have a
    little blur everywhere than decide.
    """

    _config: DefocusConfig

    def __init__(self, config: DefocusConfig, run: RunConfig):
        super().__init__(config, run)
        self.parts.fusion.requires_grad_(False)
        if isinstance(self.parts.hallucination, CompactHallucination):
            self.parts.hallucination.seen_px = config.seen_px or config.data.scenes.size_px

    def dataset(self) -> Dataset[Any]:
        """Return the scenes that ``data`` names, without a target where none is looked at."""
        data = self._config.data
        if data.stored is None and self._config.rendering_from >= 1.0:
            return SharpScenes(data.scenes)
        return super().dataset()

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Guess the defocus of each picture; from ``rendering_from`` on render it, too."""
        batch = _mirrored(batch, step)
        config, truth = self._config, true_defocus(batch)
        guess = self.parts.guess(batch["image"], size_of(batch["image"]))
        terms = {"defocus": (guess - truth).abs().mean(), "edges": config.edges * _gradients_apart(guess, truth)}
        squared = (guess - truth).square().mean()
        done = step / self._run.steps
        if config.likelihood > 0.0:
            unsure = F.binary_cross_entropy(guess.clamp(1e-5, 1.0 - 1e-5), truth)
            terms["likelihood"] = config.likelihood * (1.0 - done) * unsure
        if done >= config.rendering_from:
            share = (done - config.rendering_from) / max(1.0 - config.rendering_from, 1e-9)
            low, high = map(math.log, config.hardness)
            picture = self.render_small(batch["image"], guess, math.exp(low + share * (high - low)))
            target = halve(batch["target"], 1)
            terms["picture"] = config.picture * (picture - target).abs().mean()
            terms["ssim"] = config.ssim * ssim_loss(picture, target)
            squared = (picture - target).square().mean()
        return StepLosses(terms, squared.detach())

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return both networks; what makes defocus and weights keeps out of Muon."""
        network = self.parts.hallucination
        last = [*network.head.parameters(), *self.parts.radiance.parameters()]
        ids = {id(p) for p in last}
        hidden = [p for p in network.parameters() if id(p) not in ids]
        return [{"params": hidden, "rate": 1.0, "muon": True}, {"params": last, "rate": 1.0, "muon": False}]

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the blurred picture at half the size, and the truth."""
        guess = self.parts.guess(sample["image"], size_of(sample["image"]))
        picture = self.render_small(sample["image"], guess, self._config.hardness[1])
        return picture.clamp(0.0, 1.0), halve(sample["target"], 1)


def _mirrored(batch: Batch, step: int) -> Batch:
    """Return the batch from left to right in every other epoch of steps: a second look at every scene."""
    if (step * 2654435761 >> 7) % 2 == 0:
        return batch
    return {name: value.flip(-1) if value.ndim == 4 else value for name, value in batch.items()}


def _gradients_apart(first: Tensor, second: Tensor) -> Tensor:
    apart = first - second
    return apart.diff(dim=-1).abs().mean() + apart.diff(dim=-2).abs().mean()
