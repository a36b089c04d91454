"""Trains BokehMe's networks as they render: every picture of a render against the truth at its size."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from ...core.optics import GAMMA, signed_defocus
from ...renderers.bokehme.dilated_defocus import dilate_defocus
from ...renderers.bokehme.networks import ARNet, IUNet
from ...renderers.bokehme.refinement import UNIT_PX, Refined, refine
from ...renderers.bokehme.weight_files import NETWORKS, find_files
from ...renderers.read_weights import read_network
from ...renderers.resize import resize
from ..engine.config import RunConfig
from ..engine.task import Batch, ParameterGroup, StepLosses, Task
from ..losses.latent import PSNR_FLOOR, PSNR_WEIGHT
from ..scenes.crops import draw_corner
from ..scenes.open_scenes import open_scenes, open_validation
from .config import BASE, BokehMeConfig

SMALL_ERROR, LARGE_ERROR = 0.01, 0.05
"""Display-encoded differences of the classical picture from the truth below which it is right, above which wrong."""

SMALLEST_SHARE = 1e-4


class BokehMeTask(Task):
    """Loss: L1 of every level's picture against the truth at its size, the blend's, and the error map's.

    The error map's term is a cross-entropy against where the classical picture is wrong: 0 below SMALL_ERROR, 1 above
    LARGE_ERROR, the largest of a pixel's neighbourhood. The paper gives its map no formula; this is its idea. The same
    map weights the pixels of the levels, see ``config``.

    Source: BokehMe (Peng et al., CVPR 2022), Sec. 3.3 and 4.1.
    """

    def __init__(self, config: BokehMeConfig, run: RunConfig):
        super().__init__()
        self._config, self._seed = config, run.seed
        torch.manual_seed(run.seed)
        self.arnet, self.iunet = ARNet(), IUNet()
        if config.start is not None:
            files = find_files(config.start)
            read_network(self.arnet, files.arnet)
            read_network(self.iunet, files.iunet)
        self._dataset = open_scenes(config.data, BASE)

    def dataset(self) -> Dataset[Any]:
        """Return the scenes that ``data`` names."""
        return self._dataset

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Render a random crop of each sample, and compare."""
        samples = [self._crop(batch, n, step) for n in range(len(batch["index"]))]
        terms: dict[str, list[Tensor]] = {"levels": [], "blend": [], "error": []}
        squared = []
        for sample in samples:
            refined, blend = self._render(sample)
            target = sample["target"]
            wrong = _find_wrong(sample["base"], target)
            terms["levels"].append(self._levels_term(refined.pictures, target, wrong))
            terms["blend"].append(self._blend_term(blend, target))
            share = refined.error.clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE).float()
            terms["error"].append(F.binary_cross_entropy(share, wrong))
            squared.append((blend.detach().clamp(0.0, 1.0) - target).square().mean())
        weights = {"levels": 1.0, "blend": 1.0, "error": self._config.error_weight}
        means = {name: weights[name] * torch.stack(values).mean() for name, values in terms.items()}
        return StepLosses(means, torch.stack(squared).mean())

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return both networks; the layers that make pictures keep out of Muon."""
        last = [*self.arnet.conv1.parameters(), *self.iunet.conv1.parameters()]
        ids = {id(p) for p in last}
        hidden = [p for network in (self.arnet, self.iunet) for p in network.parameters() if id(p) not in ids]
        return [{"params": hidden, "rate": 1.0, "muon": True}, {"params": last, "rate": 1.0, "muon": False}]

    def identity(self) -> dict[str, Any]:
        """Return the model's configuration."""
        return self._config.identity()

    def validation_dataset(self) -> Dataset[Any] | None:
        """Return the scenes of ``data.validation``, with the classical picture of each."""
        settings = self._config.data.validation
        return None if settings is None else open_validation(settings, BASE, self._config.data.pictures)

    @torch.no_grad()
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return the blend and the truth, both (1,3,H,W)."""
        whole = self._maps(sample, 0)
        return self._render(whole)[1].clamp(0.0, 1.0), whole["target"]

    def save(self, folder: Path) -> None:
        """Write what ``bokehme@FOLDER`` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, network in zip(NETWORKS, (self.arnet, self.iunet), strict=True):
            state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
            save_file(state, folder / f"{name}.safetensors")

    def _crop(self, batch: Batch, n: int, step: int) -> dict[str, Tensor]:
        maps = self._maps(batch, n)
        size, side = (maps["image"].shape[-2], maps["image"].shape[-1]), self._config.data.crop_px
        top, left = draw_corner(self._seed, step, int(batch["index"][n]), size, side)
        return {name: value[..., top : top + side, left : left + side] for name, value in maps.items()}

    def _maps(self, batch: Batch, n: int) -> dict[str, Tensor]:
        """Return a sample's pictures and defocus, (1,C,H,W), the defocus in the networks' unit."""
        focus, strength = batch["focus_disparity"][n], batch["blur_strength"][n]
        defocus_px = signed_defocus(batch["disparity"][n], focus, strength)
        maps = {name: batch[name][n] for name in ("image", "target", "base")}
        maps |= {"defocus": defocus_px / UNIT_PX, "dilated": dilate_defocus(defocus_px[0])[None] / UNIT_PX}
        return {name: value[None] for name, value in maps.items()}

    def _levels_term(self, pictures: list[Tensor], target: Tensor, wrong: Tensor) -> Tensor:
        right = self._config.right_weight
        maps = torch.cat([target, right + (1.0 - right) * wrong], dim=1)
        small = [resize(maps, list(picture.shape[-2:])) for picture in pictures]
        return torch.stack(
            [(m[:, 3:] * (p - m[:, :3]).abs()).mean() for p, m in zip(pictures, small, strict=True)]
        ).mean()

    def _blend_term(self, blend: Tensor, target: Tensor) -> Tensor:
        if self._config.blend_loss == "l1":
            return (blend - target).abs().mean()
        return PSNR_WEIGHT * torch.log((blend - target).square().mean() + PSNR_FLOOR)

    def _render(self, maps: dict[str, Tensor]) -> tuple[Refined, Tensor]:
        refined = refine(self.arnet, self.iunet, maps["image"], maps["defocus"], maps["dilated"], GAMMA)
        return refined, maps["base"] * (1.0 - refined.error) + refined.pictures[-1] * refined.error


def _find_wrong(base: Tensor, target: Tensor) -> Tensor:
    """Return where the classical picture is wrong, (1,1,H,W) in [0,1]."""
    off = (base - target).abs().amax(dim=1, keepdim=True)
    wrong = ((off - SMALL_ERROR) / (LARGE_ERROR - SMALL_ERROR)).clamp(0.0, 1.0)
    return F.max_pool2d(wrong, kernel_size=3, stride=1, padding=1)
