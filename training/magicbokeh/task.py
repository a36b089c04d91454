"""Trains MagicBokeh's compact network against latents of clean pictures, with bokeh and without."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...core.errors import InvalidOptionError
from ...core.launch import read_launch
from ...core.optics import signed_defocus
from ...renderers.diffusion.cpu.blocks import compile_blocks
from ...renderers.learned import freeze
from ...renderers.magicbokeh.autoencoder import CompactAutoencoder
from ...renderers.magicbokeh.checkpoints import load_network, save_network
from ...renderers.magicbokeh.network import PITCH_PX, MagicBokehNetwork
from ...renderers.magicbokeh.weight_files import find_files
from ..bokehdiff.decoder_gains import decoder_gains
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses, Task
from ..losses.latent import LatentLoss
from ..scenes.crops import draw_corner
from ..scenes.open_scenes import open_scenes, open_validation
from ..scenes.shards import StoredScenes
from .config import MagicBokehConfig
from .latents import LATENTS, PoorScenes, encode_pictures, open_encoded

BOKEH, RESTORATION = "bokeh", "restoration"
PROBED_LATENTS = 4
VALIDATION_DRAW = 1_000_003
"""Seed of the poor pictures of validation, which no training draws."""


class MagicBokehTask(Task):
    """A step trains one branch: the bokeh branch on scenes, or the restoration branch on the same without defocus.

    - bokeh: from the poor picture and the base's picture of it to the truth; the U-Net's input is the base's latent.
    - restoration: from the poor picture, which is its own base, to the clean one.

    The other branch's parameters take part as they are. Loss: ``losses.latent.LatentLoss`` of z_base + n.
    Source: MagicBokeh (CVPR 2026): disjoint parameters trained in turns.
    """

    def __init__(self, config: MagicBokehConfig, run: RunConfig, device: torch.device):
        super().__init__()
        self._shared = config.joint or not config.disjoint
        if read_launch().count > 1 and not self._shared:
            raise InvalidOptionError("magicbokeh/network: its branches take turns in one process: start one")
        self._config, self._seed = config, run.seed
        torch.manual_seed(run.seed)
        self.network = MagicBokehNetwork(config.settings)
        self._at_zero = {id(p) for p in self.network.parameters() if not p.any()}
        if config.start is not None:
            self._start(config.start)
        self.network.to(device)
        self.autoencoder = CompactAutoencoder.shipped().to(device)
        freeze(self.autoencoder, channels_last=True)
        if device.type == "cpu":
            compile_blocks(self.autoencoder)  # encodes in half the time
        self._dataset = self._open_dataset()
        self._loss = LatentLoss(self._measure_gains(device), config.latent_loss, config.latent_floor)

    def dataset(self) -> Dataset[Any]:
        """Return the stored scenes as latents, or scenes made on the fly as pictures."""
        return self._dataset

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Compare z_base + n with the truth's latent on a random crop, for the branch whose turn it is."""
        branches = self._choose(step)
        for branch in (BOKEH, RESTORATION):
            for parameter in self._parameters_of(branch):
                parameter.requires_grad_(self._shared or branch in branches)
        maps = self._crop(batch, step)
        terms, squared = {}, []
        for branch in branches:
            z_base, z_target, defocus = maps["z_base"], maps["z_target"], maps["defocus"]
            if branch == RESTORATION:
                z_base, z_target, defocus = maps["z"], maps["z_clean"], torch.zeros_like(defocus)
            n = self.network(z_base, maps["z"], defocus)
            terms[branch], mse = self._loss(z_base + n.float(), z_target)
            squared.append(mse)
        return StepLosses(terms, torch.stack(squared).mean())

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return both branches; layers that start at zero keep out of Muon."""
        groups: list[ParameterGroup] = []
        for branch, rate in ((BOKEH, 1.0), (RESTORATION, self._config.restoration_rate)):
            for muon in (True, False):
                chosen = [p for p in self._parameters_of(branch) if (id(p) not in self._at_zero) == muon]
                groups.append({"params": chosen, "rate": rate, "muon": muon})
        return groups

    def identity(self) -> dict[str, Any]:
        """Return the model's configuration."""
        return self._config.identity()

    def validation_dataset(self) -> Dataset[Any] | None:
        """Return the scenes of ``data.validation``, none of them with a clean picture."""
        settings = self._config.data.validation
        if settings is None:
            return None
        always = dataclasses.replace(self._config.low_quality, clean=0.0)
        return PoorScenes(open_validation(settings, None), always, self._config.settings.base, VALIDATION_DRAW)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the picture with bokeh and the truth, both (1,3,H,W): what the renderer makes of one tile.

        Where only the restoration branch is trained, the cleaned picture and the clean one.
        """
        bokeh = self._config.joint or self._config.turns[0] > 0
        base, truth = ("base", "target") if bokeh else ("image", "clean")
        latents = encode_pictures(self.autoencoder, sample)
        z_base = latents[LATENTS[base]]
        n = self.network(z_base, latents["z"], self._defocus(sample) * float(bokeh))
        change = self.autoencoder.decode(z_base + n) - self.autoencoder.decode(z_base)
        return (sample[base] + change).clamp(0.0, 1.0), sample[truth]

    def save(self, folder: Path) -> None:
        """Write what ``magicbokeh@FOLDER`` reads."""
        save_network(self.network, folder)

    def _start(self, folder: str) -> None:
        """Take the restoration branch of a network, and let the bokeh branch start from its encoder."""
        files = find_files(folder)
        size = self._config.settings.size
        if files.settings.size != size:
            raise InvalidOptionError(f"model.start: {folder}: expected a network of {size}, got {files.settings.size}")
        self.network.unet.load_state_dict(load_network(files).unet.state_dict())
        self.network.start_control()

    def _choose(self, step: int) -> tuple[str, ...]:
        """Return which branches' losses count at a step."""
        if self._config.joint:
            return BOKEH, RESTORATION
        bokeh, restoration = self._config.turns
        return (BOKEH,) if step % (bokeh + restoration) < bokeh else (RESTORATION,)

    def _parameters_of(self, branch: str) -> list[torch.nn.Parameter]:
        network = self.network
        return [*(network.bokeh_parameters() if branch == BOKEH else network.restoration_parameters())]

    def _open_dataset(self) -> Dataset[Any]:
        scenes = open_scenes(self._config.data, None)
        if isinstance(scenes, StoredScenes):
            return open_encoded(self._config, scenes, self.autoencoder)
        return PoorScenes(scenes, self._config.low_quality, self._config.settings.base, self._seed)

    def _measure_gains(self, device: torch.device) -> Tensor:
        """Measure them on the first samples: the same ones in a run that goes on."""
        samples = [
            self._latents({k: v[None].to(device) for k, v in self._dataset[n].items()}) for n in range(PROBED_LATENTS)
        ]
        return decoder_gains(self.autoencoder, torch.cat([sample["z_target"] for sample in samples]))

    def _latents(self, batch: Batch) -> Batch:
        return batch if "z" in batch else batch | encode_pictures(self.autoencoder, batch)

    def _defocus(self, batch: Batch) -> Tensor:
        """Return the signed defocus (B,1,H,W) in units of R."""
        focus, strength = (batch[name].view(-1, 1, 1, 1) for name in ("focus_disparity", "blur_strength"))
        return signed_defocus(batch["disparity"], focus, strength) / self._config.settings.radius_px

    def _crop(self, batch: Batch, step: int) -> Batch:
        """Cut one random square out of each sample, the same place in its latents and its ``defocus``."""
        batch = self._latents(batch)
        maps = {name: value for name, value in batch.items() if name.startswith("z")}
        maps["defocus"] = self._defocus(batch)
        multiple, side = PITCH_PX * self._config.settings.size.multiple, self._config.data.crop_px
        rows, columns = (length // multiple * multiple for length in batch["disparity"].shape[-2:])
        cropped: dict[str, list[Tensor]] = {name: [] for name in maps}
        for n, index in enumerate(batch["index"].tolist()):
            top, left = draw_corner(self._seed, step, index, (rows, columns), side, multiple)
            for name, value in maps.items():
                pitch = 1 if name == "defocus" else PITCH_PX
                y, x, length = top // pitch, left // pitch, side // pitch
                cropped[name].append(value[n, :, y : y + length, x : x + length])
        return {name: torch.stack(values) for name, values in cropped.items()}
