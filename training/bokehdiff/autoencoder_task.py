"""The compact model's autoencoder, on pieces of photographs."""

import torch
from torch import Tensor, nn

from ...core.checks import check
from ...core.errors import InvalidOptionError
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses
from ..scenes.photograph_pieces import PhotographPieces
from .config import AutoencoderConfig
from .pca_initialisation import start_at_principal_components
from .task import BokehDiffTask

MSE_WEIGHT = 10.0
ABSOLUTE_WEIGHT = 0.1
KL_WEIGHT = 1e-6
PCA_PICTURES = 200


class AutoencoderTask(BokehDiffTask):
    """Trains encoder and decoder together, or the decoder alone; nothing of the lens is involved.

    Loss, in units of pixels in [-1,1]: 10 MSE + 0.1 L1 + 1e-6 KL.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: AutoencoderConfig, run: RunConfig):
        super().__init__(pipeline, config, run)
        if pipeline.latent_pitch_px != pipeline.active_settings.pixel_unshuffle:
            raise InvalidOptionError("model.start: this task trains the compact model's autoencoder only: leave it out")
        sides = {"crop_px": config.data.crop_px}
        if config.data.validation is not None:
            sides["validation.size_px"] = config.data.validation.size_px
        for name, side_px in sides.items():
            fits = side_px % pipeline.latent_pitch_px == 0
            check(f"model.data.{name}", side_px, fits, f"a multiple of {pipeline.latent_pitch_px}")
        self._decoder_only = config.fixed_encoder
        if not config.fixed_encoder:
            pipeline.register_modules(colour_encoder=None)
        for part in self._parts():
            part.requires_grad_(True)
        if config.start is None:
            pieces = self.dataset()
            start = torch.stack([pieces[i]["image"] for i in range(PCA_PICTURES)])
            start_at_principal_components(self.vae, self._fold(start))

    def dataset(self) -> PhotographPieces:
        """Return pieces of the photographs of ``data.scenes``."""
        return PhotographPieces(self._data.scenes.photographs, self._data.crop_px, self._seed)

    def losses(self, batch: Batch, step: int) -> StepLosses:
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

    def validation_dataset(self) -> PhotographPieces | None:
        """Return pieces of the photographs of ``data.validation``, whole scenes in size."""
        settings = self._data.validation
        return None if settings is None else PhotographPieces(settings.photographs, settings.size_px, settings.seed)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the reconstruction and the picture."""
        return self.pipeline.decode(self.pipeline.encode(sample["image"])), sample["image"]

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return all of the autoencoder, or of its decoder."""
        return self.group(p for part in self._parts() for p in part.parameters())

    def _parts(self) -> list[nn.Module]:
        return [self.vae.post_quant_conv, self.vae.decoder] if self._decoder_only else [self.vae]

    def _fold(self, image: Tensor) -> Tensor:
        factor = self.pipeline.active_settings.pixel_unshuffle
        return torch.nn.functional.pixel_unshuffle(2.0 * image - 1.0, factor)
