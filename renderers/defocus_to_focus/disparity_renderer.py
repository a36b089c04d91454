"""The layered rendering with the true defocus: what Defocus to Focus can do when it is given what others are given."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .cpu.paint_layers import compile_kernels
from .from_disparity import halvings_for, separate_surfaces
from .fusion import blend
from .halving import enlarge, halve, pick
from .layered import render_weighted
from .layering import Layer, Layering
from .radiance import power_weight


class DisparityRenderer(Renderer):
    """Weighted layered rendering of a scene's own defocus. Nothing is learned, nothing is guessed.

    - ``order``: of painting, ``blur`` as in the paper, or ``signed``, with near layers over the plane in focus.
    - ``count``, ``kernel``: see ``Layering``.
    - ``weighted``: weigh pixels as averages in linear light would (``power_weight``), or all alike.

    The published radii are scaled so that the last layer has the scene's largest radius; where that is over 34 px the
    picture is halved first, and the sharp picture shows where layer 0 does. Works on display-encoded values, as the
    paper does. Computes in float32.

    Source: Defocus to Focus (Luo et al., Information Fusion 2023).
    """

    name = "defocus-to-focus-disparity"
    capabilities: ClassVar[Capabilities] = Capabilities()
    seconds_per_megapixel: ClassVar[float] = 0.6

    def __init__(
        self,
        name: str | None = None,
        *,
        order: str = "blur",
        count: int = 15,
        kernel: str = "soft",
        weighted: bool = True,
    ):
        super().__init__(name)
        self._layering = Layering(order=order, count=count, kernel=kernel)
        self._weighted = weighted

    def compile_kernels(self) -> None:
        """Compile the painting of layers."""
        compile_kernels()

    def _load(self) -> None:
        if self.device.type == "cpu":
            compile_kernels()

    @torch.no_grad()
    def _render(self, scene: Scene, seed: int) -> Tensor:
        image = scene.image[None]
        with stage("defocus"):
            defocus_px = separate_surfaces(scene.defocus[None])
            largest_px = float(defocus_px.abs().max())
            if largest_px == 0.0:
                return scene.image
            halvings = min(halvings_for(largest_px, self._layering), int(math.log2(min(image.shape[-2:]))))
            layering = self._layering.scaled_to(largest_px / 2**halvings)
            small, defocus = halve(image, halvings), layering.defocus_of(pick(defocus_px, halvings) / 2**halvings)
            if layering.order == "blur":
                defocus = defocus.abs()
        with stage("layers"):
            weight = power_weight(small, scene.gamma) if self._weighted else torch.ones_like(small[:, :1])
            blurred = render_weighted(small, weight, defocus, layering)
        with stage("fusion"):
            blurred = enlarge(blurred, halvings, (scene.height, scene.width))
            share = layering.mask(Layer(0), layering.defocus_of(defocus_px / 2**halvings))
            return blend(share, image, blurred)[0]
