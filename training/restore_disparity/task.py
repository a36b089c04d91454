"""Trains the network that restores disparity: what a poor map lacks, against the clean scene's."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from ...renderers.read_weights import read_network
from ...renderers.restore_disparity.network import DisparityNetwork
from ...renderers.restore_disparity.weight_files import NETWORK_FILE, find_files
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses, Task
from ..scenes.crops import draw_corner
from ..scenes.open_scenes import open_scenes, open_validation
from .config import RestoreDisparityConfig
from .wrong_inputs import WrongInputs

RANDOM_STREAM = 32452843
"""Keeps these random numbers apart from the crops' and the scenes' own."""

LAST_RATE = 3.0
"""Factor on the learning rate of the layer that starts at zero."""

VALIDATION_DRAW = 1_000_003
"""In place of a seed: what is wrong about the scenes of validation is the same in every training."""


class RestoreDisparityTask(Task):
    """Loss: the logarithm of each crop's mean squared error in px of blur radius, plus the floor's square.

    So a map that is a little wrong counts as much as one that is very wrong. What is wrong about a crop is drawn anew
    at every step. Right maps need not be among them: the stage leaves sharp ones alone.
    """

    def __init__(self, config: RestoreDisparityConfig, run: RunConfig):
        super().__init__()
        self._config, self._seed = config, run.seed
        torch.manual_seed(run.seed)
        self.network = DisparityNetwork()
        if config.start is not None:
            read_network(self.network, find_files(config.start).network)
        self._dataset = open_scenes(config.data, None)

    def dataset(self) -> Dataset[Any]:
        """Return the scenes that ``data`` names."""
        return self._dataset

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Restore a random crop of each sample, and compare."""
        crops = [self._spoilt_crop(batch, n, step) for n in range(len(batch["index"]))]
        image, given, true = (torch.stack(maps) for maps in zip(*crops, strict=True))
        off = (given + self.network(image, given) - true).float()
        off_px = off * batch["blur_strength"].float().view(-1, 1, 1, 1)
        squared_px = off_px.square().mean(dim=(1, 2, 3))
        loss = torch.log(squared_px + self._config.floor_px**2).mean()
        return StepLosses({"radius": loss}, off.detach().square().mean())

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the network; the layer that starts at zero keeps out of Muon."""
        last = [*self.network.conv_out.parameters()]
        ids = {id(p) for p in last}
        hidden = [p for p in self.network.parameters() if id(p) not in ids]
        return [{"params": hidden, "rate": 1.0, "muon": True}, {"params": last, "rate": LAST_RATE, "muon": False}]

    def identity(self) -> dict[str, Any]:
        """Return the model's configuration."""
        return self._config.identity()

    def validation_dataset(self) -> Dataset[Any] | None:
        """Return the scenes of ``data.validation``."""
        settings = self._config.data.validation
        return None if settings is None else open_validation(settings, None)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the restored map of a scene and the true one, as grey pictures (1,3,H,W).

        What is given has lost resolution, the picture and the map by the same factor.
        """
        rng = np.random.Generator(np.random.PCG64([RANDOM_STREAM, VALIDATION_DRAW, int(sample["index"][0])]))
        coarse = dataclasses.replace(self._config.wrong, coarse=1.0, lost=0.0, blurred=0.0, clean=0.0)
        image, given = _spoil(coarse, sample["image"][0], sample["disparity"][0], rng)
        restored = given + self.network(image[None], given[None])
        return restored.float().clamp(0.0, 1.0).expand(-1, 3, -1, -1), sample["disparity"].expand(-1, 3, -1, -1)

    def save(self, folder: Path) -> None:
        """Write what ``restore-disparity@FOLDER`` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        save_file(state, folder / NETWORK_FILE)

    def _spoilt_crop(self, batch: Batch, n: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return picture (3,h,w) and map as the network is given them, and the true map, (1,h,w)."""
        index, side = int(batch["index"][n]), self._config.data.crop_px
        rows, columns = batch["disparity"].shape[-2:]
        top, left = draw_corner(self._seed, step, index, (rows, columns), side)
        image, true = (batch[name][n, :, top : top + side, left : left + side] for name in ("image", "disparity"))
        rng = np.random.Generator(np.random.PCG64([RANDOM_STREAM, self._seed, step, index]))
        return *_spoil(self._config.wrong, image, true, rng), true


def _spoil(wrong: WrongInputs, image: Tensor, disparity: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return picture (3,H,W) and map (1,H,W) made wrong, on the device of ``image``."""
    picture = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    poor, given = wrong.apply(picture, np.ascontiguousarray(disparity[0].cpu().numpy()), rng)
    channels_first = np.ascontiguousarray(poor.transpose(2, 0, 1))
    return torch.from_numpy(channels_first).to(image.device), torch.from_numpy(given)[None].to(image.device)
