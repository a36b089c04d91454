"""What the loop trains: a module that turns a batch into loss terms. One file per stage implements it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...datasets.synthetic.training_scenes import SynthesisSettings, SyntheticScenes
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..scenes.degraded import ToldScenes
from .config import TrainingConfig

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class StepLosses:
    """``terms``: name to weighted scalar, their sum is the loss. ``mse``: of the picture, in [0,1] units, for PSNR.

    ``predicted``, ``target``: pictures (B,3,H,W) for the adversarial term; None where a stage has none.
    """

    terms: dict[str, Tensor]
    mse: Tensor
    predicted: Tensor | None = None
    target: Tensor | None = None


class Stage(nn.Module, ABC):
    """Holds the pipeline's networks, so that frameworks can move, wrap and average them.

    A stage that trains the encoder leaves out the colour encoder, which would no longer be alike.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: TrainingConfig):
        super().__init__()
        self._config = config
        self._inference = pipeline.active_settings
        self.pipeline = pipeline
        self.unet = pipeline.unet
        self.vae = pipeline.vae
        self.requires_grad_(False)
        if pipeline.colour_encoder is not None:
            pipeline.colour_encoder.requires_grad_(False)

    @abstractmethod
    def dataset(self) -> Dataset[Batch]:
        """Return the samples, by index; endless unless it has a length."""

    @abstractmethod
    def forward(self, batch: Batch, step: int) -> StepLosses:
        """Return the loss terms of a batch at a step; all randomness comes from the batch and the step."""

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the groups of trained parameters: ``params`` and ``rate``, a factor on the learning rate."""

    def validation_dataset(self, settings: SynthesisSettings) -> Dataset[Batch]:
        """Return scenes that are never trained on, with their true disparity."""
        return ToldScenes(SyntheticScenes(settings), None, self.pipeline.active_settings.base, settings.seed)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the picture that the model makes of a sample as it stands, and the truth: both (1,3,H,W)."""
        was_training = self.unet.training
        self.unet.eval()
        self.pipeline.configure(self._inference)  # training uses another hardness
        self.pipeline.pair_cut = None
        output = self.pipeline(
            sample["image"],
            sample["disparity"],
            float(sample["focus_disparity"]),
            float(sample["blur_strength"]),
            base_image=sample.get("base"),
        )
        self.unet.train(was_training)
        return output.images, sample["target"]

    def trained(self) -> list[nn.Parameter]:
        """Return every trained parameter in a fixed order."""
        return [p for group in self.parameter_groups() for p in group["params"]]

    def save(self, folder: Path) -> None:
        """Write the result as a pipeline that renders, in float32."""
        self.pipeline.save_pretrained(folder, safe_serialization=True)
