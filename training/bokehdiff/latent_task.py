"""Second stage of the compact model: the U-Net against the target's latent, which costs no decoder."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...renderers.attention.physics import PisaPhysics
from ...renderers.bokehdiff.inputs.token_colours import TokenColours
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.config import TrainingConfig
from ..engine.schedules import hardness_at
from ..engine.task import Batch, Stage, StepLosses
from ..scenes.open_scenes import open_scenes
from ..scenes.shards import StoredScenes
from .latents import LATENT_MAPS, defocus_of, encode_scenes, open_encoded

PROBED_LATENTS = 4
PROBE = 0.1
PSNR_WEIGHT = 0.01
"""Of the logarithm: gradients of the size that clipping at 1 expects."""

PSNR_FLOOR = 3e-5
"""Added to the squared error before its logarithm: at 45 dB the autoencoder's loss rules."""


class LatentStage(Stage):
    """Trains the whole U-Net; the autoencoder is fixed.

    Loss: squared error of the latent, each channel weighted by how strongly the decoder shows it, so that it is the
    squared error of the picture to first order; under ``latent_loss: psnr`` its logarithm, sample by sample, so that a
    scene rendered at 40 dB counts as much as one at 25.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: TrainingConfig):
        super().__init__(pipeline, config)
        self.unet.requires_grad_(True)
        self.unet.train()
        self._dataset = self._open_dataset()
        self._gains = self._measure_gains()

    def dataset(self) -> Dataset[Batch]:
        """Return the stored scenes as latents, or scenes made on the fly."""
        return self._dataset

    def forward(self, batch: Batch, step: int) -> StepLosses:
        """Compare z0 of Eq. 1 with the target's latent on a random crop."""
        set_training_physics(self.pipeline, self._inference.physics, self._config, step)
        if "z" not in batch:
            batch = batch | encode_scenes(self.pipeline, batch)
        maps = crop_maps(self.pipeline, batch, self._config, step)
        start = TokenColours(maps["colours"]) if "colours" in maps else None
        z0 = self.pipeline.denoise(
            maps["z"], maps["disparity"], maps["defocus"], seed=step, base=maps.get("z_base"), start=start
        )
        mse = ((z0 - maps["z_target"]).square() * self._gains).sum(dim=1).mean(dim=(1, 2))
        loss = 4.0 * mse if self._config.latent_loss == "mse" else PSNR_WEIGHT * torch.log(mse + PSNR_FLOOR)
        return StepLosses({"latent": loss.mean()}, mse.mean().detach())

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return all of the U-Net."""
        return [{"params": [p for p in self.unet.parameters() if p.requires_grad], "rate": 1.0}]

    def save(self, folder: Path) -> None:
        """Save with the physics of inference."""
        self.pipeline.configure(self._inference)
        super().save(folder)

    def _measure_gains(self) -> Tensor:
        """Measure them on the first samples: the same ones in a run that goes on."""
        samples = [self._dataset[index] for index in range(PROBED_LATENTS)]
        batch = {name: torch.stack([x[name] for x in samples]).to(self.unet.device) for name in samples[0]}
        if "z_target" not in batch:
            batch |= encode_scenes(self.pipeline, batch)
        return decoder_gains(self.pipeline, batch["z_target"])

    def _open_dataset(self) -> Dataset[Batch]:
        scenes = open_scenes(self._config, self._inference.base)
        if not isinstance(scenes, StoredScenes):
            return scenes
        return open_encoded(self.pipeline, scenes, Path(str(self._config.data.stored)), self._config.precision)


@torch.no_grad()
def decoder_gains(pipeline: BokehDiffPipeline, latents: Tensor) -> Tensor:
    """Return (C,1,1): the mean square of the picture's change, in [0,1] units, per square of each channel's change.

    Channels are moved one by one at every px of the latent, by a random sign each.
    """
    draw = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, latents[:, :1].shape, generator=draw).to(latents) * 2.0 - 1.0
    still = pipeline.decode(latents).float()
    gains = []
    for channel in range(latents.shape[1]):
        moved = latents.clone()
        moved[:, channel : channel + 1] += PROBE * signs
        gains.append((pipeline.decode(moved).float() - still).square().mean() / PROBE**2)
    return torch.stack(gains)[:, None, None]


def crop_maps(pipeline: BokehDiffPipeline, batch: Batch, config: TrainingConfig, step: int) -> Batch:
    """Cut one random square out of every sample, the same place in each of its maps, on the U-Net's coarsest grid.

    Returns latents, ``disparity`` in (0,1) (normalised over the whole scene), ``defocus`` in px, and pictures if any.
    """
    disparity = batch["disparity"]
    maps = {name: value for name, value in batch.items() if value.ndim == 4}
    maps |= {"disparity": pipeline.normalise(disparity), "defocus": defocus_of(batch)}
    multiple, pitch = pipeline.size_multiple_px, pipeline.latent_pitch_px
    side = config.data.crop_px // multiple * multiple
    rows, columns = disparity.shape[-2] // multiple * multiple, disparity.shape[-1] // multiple * multiple
    cropped: dict[str, list[Tensor]] = {name: [] for name in maps}
    for n, index in enumerate(batch["index"].tolist()):
        draw = torch.Generator().manual_seed(_crop_seed(config.seed, step, index))
        top, left = (
            multiple * int(torch.randint((length - side) // multiple + 1, (), generator=draw))
            for length in (rows, columns)
        )
        for name, value in maps.items():
            scale = pitch if name in LATENT_MAPS else 1
            y, x, length = top // scale, left // scale, side // scale
            cropped[name].append(value[n, :, y : y + length, x : x + length])
    return {name: torch.stack(values) for name, values in cropped.items()}


def set_training_physics(pipeline: BokehDiffPipeline, physics: PisaPhysics, config: TrainingConfig, step: int) -> None:
    """Give the pipeline the hardness and the number of rays of a training step.

    Under the profile ``code`` the physics is the released code's while it trains, with the variant's switches.
    """
    hardness = hardness_at(step, config.steps, *config.hardness)
    if config.profile == "code":
        switches = {name: getattr(physics, name) for name in ("softmax_over_queries", "coc", "occlusion")}
        physics = PisaPhysics.from_profile("code", hardness=hardness, **switches)
    else:
        physics = dataclasses.replace(physics, hardness=hardness, rays=config.rays)
    pipeline.configure(dataclasses.replace(pipeline.active_settings, physics=physics))
    pipeline.pair_cut = config.pair_cut or None


def _crop_seed(seed: int, step: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, step, index]).generate_state(1, np.uint64)[0] >> 1)
