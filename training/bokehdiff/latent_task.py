"""The U-Net against the target's latent, which costs no decoder: how the compact model learns to blur."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.config import RunConfig
from ..engine.schedules import progress_at
from ..engine.task import Batch, ParameterGroup, StepLosses
from ..losses.latent import LatentLoss
from ..scenes.open_scenes import open_scenes
from ..scenes.shards import StoredScenes
from .config import LatentConfig
from .crops import check_crop, crop_maps
from .decoder_gains import decoder_gains, first_samples
from .latents import encode_scenes, open_encoded
from .task import BokehDiffTask
from .training_physics import set_training_physics


class LatentTask(BokehDiffTask):
    """Trains the whole U-Net; the autoencoder is fixed.

    Loss: ``losses.latent.LatentLoss``.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: LatentConfig, run: RunConfig):
        super().__init__(pipeline, config, run)
        self._config = config
        check_crop(pipeline, config.data.crop_px)
        self.unet.requires_grad_(True)
        self.unet.train()
        self._dataset = self._open_dataset()
        self._loss = LatentLoss(self._measure_gains(), config.latent_loss)

    def dataset(self) -> Dataset[Any]:
        """Return the stored scenes as latents, or scenes made on the fly."""
        return self._dataset

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Compare z0 of Eq. 1 with the target's latent on a random crop."""
        progress = progress_at(step, self._steps)
        set_training_physics(self.pipeline, self._inference.physics, self._config, progress)
        if "z" not in batch:
            batch = batch | encode_scenes(self.pipeline, batch)
        maps = crop_maps(self.pipeline, batch, self._data.crop_px, self._seed, step)
        colours = self.pipeline.token_colours(maps["image"]) if "image" in maps else None
        z0 = self.pipeline.denoise(
            maps["z"], maps["disparity"], maps["defocus"], seed=step, base=maps.get("z_base"), colours=colours
        )
        loss, mse = self._loss(z0, maps["z_target"])
        return StepLosses({"latent": loss}, mse)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return all of the U-Net."""
        return self.group(self.unet.parameters())

    def _measure_gains(self) -> Tensor:
        samples = first_samples(self._dataset)
        batch = {name: torch.stack([x[name] for x in samples]).to(self.unet.device) for name in samples[0]}
        if "z_target" not in batch:
            batch |= encode_scenes(self.pipeline, batch)
        return decoder_gains(self.pipeline, batch["z_target"])

    def _open_dataset(self) -> Dataset[Any]:
        scenes = open_scenes(self._data, self._inference.base)
        if not isinstance(scenes, StoredScenes):
            return scenes
        return open_encoded(self.pipeline, scenes, Path(str(self._data.stored)), self._precision)
