"""``NAME+restore-disparity``: the renderer is given what a network makes of a disparity map as poor as its picture."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.scene import GivenScene
from ..component import Capabilities
from ..convolution.winograd import compile_convolution
from ..learned import LearnedComponent, freeze
from ..read_weights import read_network
from ..stages.interface import SceneStage
from .compiled_layers import compile_layers
from .network import DisparityNetwork
from .sharpness import is_sharp
from .weight_files import NAME, RestoreFiles, find_files

LEFT_ALONE = 0.01
"""Changes of less than this part of the map's range are not made."""


class RestoreDisparityStage(LearnedComponent[RestoreFiles], SceneStage):
    """Restores a map of low resolution, or as soft as an estimator's, by the picture that goes with it.

    A map with sharp edges is left alone, to the bit: see ``sharpness``.

    - ``checkpoint``: None for the network that ships, or a folder, see ``weight_files``.

    Any range of disparity will do. The picture counts clipped to [0,1]. The network computes in float32. The last map
    is kept, so that a focal stack or a sweep of apertures restores it once.
    """

    name = NAME
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=frozenset({"picture", "disparity"}), hdr=True)
    changes: ClassVar[frozenset[str]] = frozenset({"disparity"})
    seconds_per_megapixel: ClassVar[float] = 0.5

    def __init__(self, name: str | None = None, checkpoint: str | None = None):
        super().__init__(name, checkpoint)
        if checkpoint is not None:
            find_files(checkpoint)  # a mistyped name is seen before anything runs
        self._kept: tuple[Tensor, Tensor, Tensor] | None = None

    def find_weights(self, *, download: bool) -> RestoreFiles:
        """Find the network's file."""
        return find_files(self.checkpoint)

    def forget(self) -> None:
        """Drop the last map."""
        self._kept = None

    def compile_kernels(self) -> None:
        """Compile the convolutions."""
        compile_convolution()

    def change_scene(self, scene: GivenScene, seed: int) -> GivenScene:
        """Return the scene with a restored map; the scene itself where nothing is to be restored."""
        kept = self._kept
        if kept is None or not (torch.equal(kept[0], scene.image) and torch.equal(kept[1], scene.disparity)):
            kept = self._kept = scene.image, scene.disparity, self._restore(scene.image, scene.disparity)
        return scene if kept[2] is kept[1] else scene.with_disparity(kept[2])

    def _load_networks(self, files: RestoreFiles) -> None:
        self._kept = None
        self._network = read_network(DisparityNetwork(), files.network).to(self.device)
        freeze(self._network)
        if self.device.type == "cpu":
            compile_layers(self._network)

    @torch.no_grad()
    def _warm_up(self) -> None:
        ramp = torch.linspace(0.0, 1.0, 16, device=self.device).expand(1, 16, -1)
        self._network(ramp[None].expand(-1, 3, -1, -1), ramp[None])

    @torch.no_grad()
    def _restore(self, image: Tensor, disparity: Tensor) -> Tensor:
        """Return the map (1,H,W) restored, within its range; itself where it is sharp, or nothing changes."""
        if is_sharp(disparity.float()):
            return disparity
        change = self._network(image[None].float().clamp(0.0, 1.0), disparity[None].float())[0]
        low, high = disparity.min(), disparity.max()
        restored = (disparity + change).clamp(low, high).to(disparity.dtype)
        changed = change.abs() > LEFT_ALONE * (high - low)
        return torch.where(changed, restored, disparity) if changed.any() else disparity
