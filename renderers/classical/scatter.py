"""The classical renderer: every pixel's light is spread over its circle of confusion, in linear light."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from ...core.optics import to_display, to_linear
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .aperture import Aperture
from .cpu.aperture_spans import scatter_aperture
from .highlight_recovery import compress_highlights, recover_highlights
from .kernel_choice import choose_kernel


class ScatterRenderer(Renderer):
    """BokehMe's classical renderer: it knows no occlusion, so light bleeds across depth edges both ways.

    Computes in float32 whatever ``dtype`` says. Blur strength 0 gives the input back to 2.7e-3 in linear light, not
    exactly: the soft rim hands w(1) / w(0) = 6.7e-4 of a sharp pixel's weight to each of its four neighbours.

    - ``aperture``: another opening than a circle; it has a kernel of its own, for the CPU.
    - ``highlights``: how many times brighter than white the picture's white was, >= 1, see ``highlight_recovery``.

    Source: BokehMe (Peng et al., CVPR 2022), classical renderer.
    """

    name = "classical"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)
    seconds_per_megapixel: ClassVar[float] = 0.3

    def __init__(self, name: str | None = None, *, aperture: Aperture | None = None, highlights: float = 1.0):
        super().__init__(name)
        if not (math.isfinite(highlights) and highlights >= 1.0):
            raise InvalidOptionError(f"highlights: expected a number of at least 1, got {highlights:g}")
        self._aperture = aperture or Aperture()
        self._highlights = highlights

    def skip(self, scene: Scene) -> str | None:
        """Refuse to guess highlights that the picture has."""
        hdr = self._highlights > 1.0 and float(scene.image.max()) > 1.0
        return super().skip(scene) or ("recovers highlights of display pictures: this one has its own" if hdr else None)

    def compile_kernels(self) -> None:
        """Prepare for the CPU."""
        self.prepare("cpu")

    def _load(self) -> None:
        """Choose the kernel for the device and compile it on a tiny image."""
        if not self._aperture.is_round:
            if self.device.type != "cpu":
                raise InvalidOptionError(f"device '{self.device}': only the round aperture: use --device cpu")
            scatter_aperture(torch.ones(3, 4, 4), torch.full((4, 4), 2.0), self._aperture)
            self.backend = "intervals, compiled for the CPU"
            return
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
            linear, defocus_px = to_linear(scene.image, scene.gamma), scene.defocus[0]
            if self._highlights > 1.0:
                linear = recover_highlights(linear, self._highlights)
        with stage("scatter"):
            if self._aperture.is_round:
                blurred = self._scatter(linear, defocus_px.abs_())
            else:
                blurred = scatter_aperture(linear, defocus_px, self._aperture)
            del linear, defocus_px  # a third of the memory that the next stage would hold
        with stage("to display"):
            if self._highlights > 1.0:
                blurred = compress_highlights(blurred, self._highlights)
            return to_display(blurred, scene.gamma)
