"""The floor of every table: the input, unblurred."""

from typing import ClassVar

import torch
from torch import Tensor

from ..core.scene import Scene
from .interface import PICTURE_ONLY, Capabilities, Renderer


class IdentityRenderer(Renderer):
    """Returns the all-in-focus image. A renderer that scores below it does harm."""

    name = "identity"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)
    seconds_per_megapixel: ClassVar[float] = 0.0

    def guess_radius_px(self, image: Tensor) -> Tensor:
        """Return that nothing is blurred: zeros (1,H,W) for a picture (3,H,W)."""
        return torch.zeros_like(image[:1])

    def _render(self, scene: Scene, seed: int) -> Tensor:
        return scene.image
