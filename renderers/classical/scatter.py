"""The classical renderer: every pixel's light is spread over its circle of confusion, in linear light."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.optics import to_display, to_linear
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .kernel_choice import choose_kernel


class ScatterRenderer(Renderer):
    """BokehMe's classical renderer: it knows no occlusion, so light bleeds across depth edges both ways.

    Computes in float32 whatever ``dtype`` says. Blur strength 0 gives the input back to 2.7e-3 in linear light, not
    exactly: the soft rim hands w(1) / w(0) = 6.7e-4 of a sharp pixel's weight to each of its four neighbours.

    Source: BokehMe (Peng et al., CVPR 2022), classical renderer.
    """

    name = "classical"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)
    seconds_per_megapixel: ClassVar[float] = 0.3

    def compile_kernels(self) -> None:
        """Prepare for the CPU."""
        self.prepare("cpu")

    def _load(self) -> None:
        """Choose the kernel for the device and compile it on a tiny image."""
        kernel = choose_kernel(self.device)
        # So little light arrives that what renders faint rows again compiles, too.
        faint = torch.full((4, 4), 100.0, device=self.device)
        kernel.scatter(torch.ones(3, 4, 4, device=self.device), faint)
        self.backend, self._scatter = kernel.name, kernel.scatter

    def scatter(self, linear: Tensor, radius_px: Tensor) -> Tensor:
        """Return linear light (3,H,W) spread over discs of the radii (H,W), in px; ``prepare`` comes first."""
        return self._scatter(linear, radius_px)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        with stage("to linear light"):
            linear, radius_px = to_linear(scene.image, scene.gamma), scene.defocus[0].abs()
        with stage("scatter"):
            blurred = self._scatter(linear, radius_px)
            del linear, radius_px  # a third of the memory that the next stage would hold
        with stage("to display"):
            return to_display(blurred, scene.gamma)
