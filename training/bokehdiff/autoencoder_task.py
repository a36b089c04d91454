"""First stage of the compact model: its autoencoder, on pieces of photographs."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...datasets.synthetic.canvas import GAMMA
from ...datasets.synthetic.training_pictures import PhotographSource
from ...datasets.synthetic.training_scenes import SynthesisSettings
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.config import TrainingConfig
from ..engine.task import Batch, Stage, StepLosses
from .pca_initialisation import start_at_principal_components

MSE_WEIGHT = 10.0
ABSOLUTE_WEIGHT = 0.1
KL_WEIGHT = 1e-6
PCA_PICTURES = 200


class PhotographPieces(Dataset[Batch]):
    """Endless random pieces of photographs: ``image`` (3,side,side) float32, display-encoded, [0,1]."""

    def __init__(self, folders: tuple[str, ...], side_px: int, seed: int):
        self._source = PhotographSource(folders)
        self._side_px = side_px
        self._seed = seed

    def __getitem__(self, index: int) -> Batch:
        """Return piece ``index``."""
        rng = np.random.Generator(np.random.PCG64([self._seed, index]))
        linear = self._source.draw(rng, self._side_px, margin=0)
        return {
            "image": torch.from_numpy(linear ** np.float32(1.0 / GAMMA)).permute(2, 0, 1),
            "index": torch.tensor(index),
        }


class AutoencoderStage(Stage):
    """Trains encoder and decoder together, or the decoder alone; nothing of the lens is involved.

    Loss, in units of pixels in [-1,1]: 10 MSE + 0.1 L1 + 1e-6 KL.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: TrainingConfig):
        super().__init__(pipeline, config)
        if not config.network.fixed_encoder:
            pipeline.register_modules(colour_encoder=None)
        for part in self._parts():
            part.requires_grad_(True)
        if config.start is None:
            pieces = self.dataset()
            start = torch.stack([pieces[i]["image"] for i in range(PCA_PICTURES)])
            start_at_principal_components(self.vae, self._fold(start))

    def dataset(self) -> PhotographPieces:
        """Return pieces of the photographs of ``data.scenes``."""
        return PhotographPieces(self._config.data.scenes.photographs, self._config.data.crop_px, self._config.seed)

    def forward(self, batch: Batch, step: int) -> StepLosses:
        """Encode at the posterior's mode and decode; the posterior only adds its KL term."""
        pixels = self._fold(batch["image"])
        posterior = self.vae.encode(pixels).latent_dist
        decoded = self.vae.decode(posterior.mode()).sample.float()
        error = decoded - pixels
        mse = error.square().mean()
        terms = {
            "mse": MSE_WEIGHT * mse,
            "l1": ABSOLUTE_WEIGHT * error.abs().mean(),
            "kl": KL_WEIGHT * posterior.kl().mean(),
        }
        return StepLosses(terms, mse.detach() / 4.0)

    def validation_dataset(self, settings: SynthesisSettings) -> PhotographPieces:
        """Return pieces of the validation's photographs, whole scenes in size."""
        return PhotographPieces(settings.photographs, settings.size_px, settings.seed)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the reconstruction and the picture."""
        return self.pipeline.decode(self.pipeline.encode(sample["image"])), sample["image"]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return all of the autoencoder, or of its decoder."""
        return [{"params": [p for part in self._parts() for p in part.parameters()], "rate": 1.0}]

    def _parts(self) -> list[nn.Module]:
        return [self.vae.post_quant_conv, self.vae.decoder] if self._config.network.fixed_encoder else [self.vae]

    def _fold(self, image: Tensor) -> Tensor:
        factor = self.pipeline.active_settings.pixel_unshuffle
        return torch.nn.functional.pixel_unshuffle(2.0 * image - 1.0, factor)
