"""What BokehDiff's tasks share: the pipeline, its identity, validation, saving."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, Task
from ..scenes.open_scenes import open_validation
from .config import ModelConfig
from .digests import digest_encoder, digest_module


class BokehDiffTask(Task):
    """Holds the pipeline's networks, frozen until a task chooses what it trains.

    A task that trains the encoder leaves out the colour encoder, which would no longer fit it.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: ModelConfig, run: RunConfig):
        super().__init__()
        self._data = config.data
        self._model_identity = config.identity()
        self._seed, self._steps, self._precision = run.seed, run.steps, run.precision
        self._inference = pipeline.active_settings
        self.pipeline = pipeline
        self.unet = pipeline.unet
        self.vae = pipeline.vae
        self.requires_grad_(False)
        if pipeline.colour_encoder is not None:
            pipeline.colour_encoder.requires_grad_(False)

    def identity(self) -> dict[str, Any]:
        """Return the model's configuration, and digests of the encoders that are used and not trained."""
        vae, colours = self.pipeline.vae, self.pipeline.colour_encoder
        trained = any(parameter.requires_grad for parameter in vae.encoder.parameters())
        encoders = {
            "autoencoder": None if trained else digest_encoder(vae),
            "colours": None if colours is None else digest_module(colours),
        }
        return self._model_identity | {"encoders": encoders}

    def validation_dataset(self) -> Dataset[Any] | None:
        """Return the scenes of ``data.validation``, with their true disparity, and poor pictures for ``poor`` ones."""
        settings = self._data.validation
        return None if settings is None else open_validation(settings, self._inference.base, self._data.pictures)

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

    def save(self, folder: Path) -> None:
        """Write the result as a pipeline that renders, with the physics of inference."""
        self.pipeline.configure(self._inference)
        self.pipeline.save_pretrained(folder)

    def group(self, parameters: Iterable[nn.Parameter], rate: float = 1.0) -> list[ParameterGroup]:
        """Return groups of ``parameters``: the layers that make latents and pictures keep out of Muon."""
        last = {id(p) for layer in (self.unet.conv_out, self.vae.decoder.conv_out) for p in layer.parameters()}
        consecutive = itertools.groupby(parameters, key=lambda parameter: id(parameter) not in last)
        return [{"params": list(part), "rate": rate, "muon": muon} for muon, part in consecutive]
