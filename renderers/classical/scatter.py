"""The classical renderer: every pixel's light is spread over its circle of confusion, in linear light."""

from typing import ClassVar

import torch
from torch import Tensor

from ..interface import Capabilities, Renderer, Scene
from ..optics import to_display, to_linear
from .device import scatter_on_device
from .spans import scatter_spans


class ScatterRenderer(Renderer):
    """BokehMe's classical renderer: it knows no occlusion, so light bleeds across depth edges both ways.

    Computes in float32 whatever ``dtype`` says. Blur strength 0 gives the input back to 2.7e-3 in linear light, not
    exactly: the soft rim hands w(1) / w(0) = 6.7e-4 of a sharp pixel's weight to each of its four neighbours.

    Source: BokehMe (Peng et al., CVPR 2022), classical renderer.
    """

    name = "classical"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)

    def _load(self) -> None:
        """Compile the kernel on a tiny image."""
        self._scatter(torch.ones(3, 4, 4, device=self.device), torch.ones(4, 4, device=self.device))

    def _render(self, scene: Scene, seed: int) -> Tensor:
        blurred = self._scatter(to_linear(scene.image, scene.gamma), scene.defocus[0].abs())
        return to_display(blurred, scene.gamma)

    def _scatter(self, linear: Tensor, radius_px: Tensor) -> Tensor:
        scatter = scatter_spans if self.device.type == "cpu" else scatter_on_device
        return scatter(linear, radius_px)
