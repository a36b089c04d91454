"""``NAME+refine``: the renderer is given a disparity map that was corrected from the picture first."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...core.scene import GivenScene
from ..component import Capabilities
from ..stages.interface import SceneStage
from .correction import correct


class RefineStage(SceneStage):
    """Moves the edges of the disparity map onto outlines of the picture: docs/refine.md.

    Computed on the CPU, wherever the renderer runs; no weights. The last map is kept, so that a focal stack or a sweep
    of apertures corrects it once. Deterministic: neither the seed nor the number of threads makes a difference.
    """

    name = "refine"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=frozenset({"picture", "disparity"}), hdr=True)
    changes: ClassVar[frozenset[str]] = frozenset({"disparity"})
    seconds_per_megapixel: ClassVar[float] = 0.7

    def __init__(self, name: str | None = None):
        super().__init__(name)
        self._kept: tuple[Tensor, Tensor, Tensor] | None = None

    def forget(self) -> None:
        """Drop the last map."""
        self._kept = None

    def compile_kernels(self) -> None:
        """Prepare for the CPU."""
        self.prepare("cpu")

    def change_scene(self, scene: GivenScene, seed: int) -> GivenScene:
        """Return the scene with a corrected map; the scene itself where nothing is to be corrected."""
        kept = self._kept
        if kept is None or not (torch.equal(kept[0], scene.image) and torch.equal(kept[1], scene.disparity)):
            kept = self._kept = scene.image, scene.disparity, self._correct(scene.image, scene.disparity)
        return scene if kept[2] is kept[1] else scene.with_disparity(kept[2])

    def _load(self) -> None:
        """Compile the kernels on a tiny picture whose map is wrong."""
        self._kept = None
        image, disparity = torch.zeros(3, 32, 32), torch.zeros(1, 32, 32)
        image[:, :, 16:], disparity[:, :, 12:] = 1.0, 1.0
        self._correct(image, disparity)

    def _correct(self, image: Tensor, disparity: Tensor) -> Tensor:
        picture = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
        given = np.ascontiguousarray(disparity[0].cpu().numpy())
        found = correct(picture, given, torch.get_num_threads())
        if found.disparity is given:
            return disparity
        return torch.from_numpy(found.disparity)[None].to(disparity.device)
