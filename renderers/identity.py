"""The floor of every table: the input, unblurred."""

from typing import ClassVar

from torch import Tensor

from ..core.scene import Scene
from .interface import PICTURE_ONLY, Capabilities, Renderer


class IdentityRenderer(Renderer):
    """Returns the all-in-focus image. A renderer that scores below it does harm."""

    name = "identity"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)
    seconds_per_megapixel: ClassVar[float] = 0.0

    def _render(self, scene: Scene, seed: int) -> Tensor:
        return scene.image
