"""The habit that needs no thought: sharp in the middle, blurred around it. A floor for methods that guess the focus."""

from typing import ClassVar

import torch
from torch import Tensor

from ..core.optics import GAMMA, to_display, to_linear
from ..core.scene import Scene
from .classical.scatter import ScatterRenderer
from .interface import PICTURE_ONLY, Capabilities, Renderer

SHARP_SHARE, BLUR_SHARE = 0.3, 0.03
"""Radius of the sharp disc in the middle, and of the blur outside, in shares of the picture's shorter side."""


class CentreFocusRenderer(Renderer):
    """Scatters every pixel outside a disc in the middle over one fixed circle of confusion, in light of gamma 2.2.

    A method that guesses focus and strength and scores below it has learnt nothing from the picture.
    """

    name = "centre-focus"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)
    seconds_per_megapixel: ClassVar[float] = 0.3

    def __init__(self, name: str | None = None):
        super().__init__(name)
        self._classical = ScatterRenderer()

    def compile_kernels(self) -> None:
        """Compile the scatter."""
        self._classical.compile_kernels()

    def guess_radius_px(self, image: Tensor) -> Tensor:
        """Return the radii, px, (1,H,W), that a picture (3,H,W) is blurred by, whatever it shows."""
        return centred_radii(image.shape[1], image.shape[2])[None]

    def _load(self) -> None:
        self._classical.prepare(self.device)
        self.backend = self._classical.backend

    def _render(self, scene: Scene, seed: int) -> Tensor:
        linear = to_linear(scene.image, GAMMA)
        return to_display(self._classical.scatter(linear, centred_radii(scene.height, scene.width).to(linear)), GAMMA)


def centred_radii(height: int, width: int) -> Tensor:
    """Return the radii, px, (H,W): 0 in the middle's disc, else the blur's."""
    shorter = min(height, width)
    down, across = (torch.arange(length) - (length - 1) / 2.0 for length in (height, width))
    inside = down[:, None] ** 2 + across[None, :] ** 2 <= (SHARP_SHARE * shorter) ** 2
    return torch.where(inside, 0.0, BLUR_SHARE * shorter)
