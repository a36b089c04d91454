"""Stage 2: where the sharp picture shows and where the blurred one, on a first stage that no longer changes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...renderers.defocus_to_focus.fusion import blend, first_mask
from ...renderers.defocus_to_focus.halving import enlarge
from ...renderers.defocus_to_focus.parts import sharpness_of
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses
from ..losses.ssim import ssim_loss
from .config import FusionConfig
from .stage import Stage, size_of


class FusionTask(Stage):
    """Loss: |F - T| + (1 - SSIM) / 2 + gradients |grad F - (b grad I + (1 - b) grad B)| + mask BCE(m, b), all means.

    b is the first mask, m the network's. The paper names a Poisson gradient constraint and gives no formula: this is
    a reading, with the guidance field of a Poisson problem as the target.
    """

    _config: FusionConfig

    def __init__(self, config: FusionConfig, run: RunConfig):
        super().__init__(config, run)
        self.parts.hallucination.requires_grad_(False).eval()
        self.parts.radiance.requires_grad_(False)

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Fuse each picture with what stage 1 makes of it."""
        image, target, config = batch["image"], batch["target"], self._config
        defocus, blurred = self._first_stage(image)
        mask = first_mask(defocus)
        share = self.parts.fusion(sharpness_of(defocus, config.profile), image)
        fused = blend(share, image, blurred)
        terms = {"picture": (fused - target).abs().mean(), "ssim": 0.5 * ssim_loss(fused, target)}
        terms["gradients"] = config.gradients * sum(
            (fused.diff(dim=axis) - _guidance(mask, image, blurred, axis)).abs().mean() for axis in (-1, -2)
        )
        weight = config.mask * (1.0 - step / self._run.steps)
        terms["mask"] = weight * F.binary_cross_entropy(share.clamp(1e-4, 1.0 - 1e-4), mask)
        return StepLosses(terms, (fused - target).square().mean().detach())

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the fusion network."""
        return [{"params": [*self.parts.fusion.parameters()], "rate": 1.0, "muon": False}]

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the fused picture, and the truth."""
        defocus, blurred = self._first_stage(sample["image"])
        share = self.parts.fusion(sharpness_of(defocus, self._config.profile), sample["image"])
        return blend(share, sample["image"], blurred), sample["target"]

    @torch.no_grad()
    def _first_stage(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return defocus (B,1,H,W) and the blurred picture, rendered at half the size and enlarged."""
        size = size_of(image)
        defocus = self.parts.guess(image, size)
        return defocus, enlarge(self.render_small(image, defocus, 100.0), 1, size)


def _guidance(mask: Tensor, image: Tensor, blurred: Tensor, axis: int) -> Tensor:
    """Return the gradients that the result shall have along an axis: the sharp picture's where it is in focus."""
    inside = mask.narrow(axis, 1, mask.shape[axis] - 1)
    return inside * image.diff(dim=axis) + (1.0 - inside) * blurred.diff(dim=axis)
