"""MPIB as a renderer of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.scene import Scene
from ..interface import Capabilities
from ..learned import LearnedRenderer, freeze
from ..read_weights import read_network
from .inpainting import INPAINTING_MULTIPLE, InpaintingNetwork
from .lens import LARGEST_RADIUS_PX, fit_lens
from .networks import AUPNet, MPINet
from .pipeline import Networks, render
from .weight_files import MpibFiles, find_files

SMALLEST_PX = INPAINTING_MULTIPLE + 1
"""Of a side. The in-painting network needs two of its multiples, to which a side is brought up from here on."""


class MpibRenderer(LearnedRenderer[MpibFiles]):
    """The picture in 32 planes of opacity, hidden background filled in, each plane blurred by a disc and stacked.

    ``checkpoint``: a folder, see ``weight_files``; no weights ship. The networks compute in ``dtype``, planes in
    float32; the pixels that hide background are found on the CPU. Radii are whole px. Values above 1 are clipped first.

    Source: MPIB (Peng et al., ECCV 2022), in the form of the authors' published program.
    """

    name = "mpib"
    capabilities: ClassVar[Capabilities] = Capabilities()
    seconds_per_megapixel: ClassVar[float] = 40.0

    def __init__(self, name: str | None = None, *, checkpoint: str):
        super().__init__(name, checkpoint)
        self._folder = checkpoint
        find_files(checkpoint)  # a mistyped name is seen before anything runs

    def skip(self, scene: Scene) -> str | None:
        """Refuse sides below SMALLEST_PX, and blur that the published program has no discs for."""
        return super().skip(scene) or _too_small(scene) or _too_blurred(scene)

    def find_weights(self, *, download: bool) -> MpibFiles:
        """Find the three networks' files."""
        return find_files(self._folder)

    def _load_networks(self, files: MpibFiles) -> None:
        mpinet = read_network(MPINet(), files.mpinet).to(self.device, self.dtype)
        aupnet = read_network(AUPNet(), files.aupnet).to(self.device, self.dtype)
        inpnet = read_network(InpaintingNetwork(), files.inpnet).to(self.device, self.dtype)
        for network in (mpinet, aupnet, inpnet):
            freeze(network, channels_last=True)  # a third faster on the CPU
        self._networks = Networks(mpinet, aupnet, inpnet, self.dtype)

    @torch.no_grad()
    def _render(self, scene: Scene, seed: int) -> Tensor:
        lens = fit_lens(scene)
        disparity = ((scene.disparity - lens.low) / (lens.high - lens.low)).clamp(0.0, 1.0)
        return render(self._networks, scene.image[None], disparity[None], lens, scene.gamma)


def _too_small(scene: Scene) -> str | None:
    if min(scene.height, scene.width) >= SMALLEST_PX:
        return None
    return f"needs sides of {SMALLEST_PX} px and more, the scene has {scene.height} x {scene.width} px"


def _too_blurred(scene: Scene) -> str | None:
    largest_px = fit_lens(scene).largest_px
    if largest_px <= LARGEST_RADIUS_PX:
        return None
    return (
        f"has discs of up to {LARGEST_RADIUS_PX} px of radius, for the whole range of disparity and for each plane,"
        f" the scene asks for {largest_px:.0f} px"
    )
