"""The interface of stages: SceneStage changes what a renderer is given, PictureStage what it made."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from ...core.scene import INPUT_FIELDS, GivenScene
from ..component import Component


class SceneStage(Component):
    """Changes a scene before a renderer sees it. Sub-classes set ``name``, ``capabilities`` and write ``change_scene``.

    ``capabilities.inputs``: what it reads, beside what the renderer behind it needs; ``capabilities.scale``: how many
    times larger the picture is that it returns (disparity and blur strength then fit that size). ``changes``: what it
    changes; before a renderer that reads none of it the stage is refused.
    """

    changes: ClassVar[frozenset[str]] = frozenset(INPUT_FIELDS)

    @abstractmethod
    def change_scene(self, scene: GivenScene, seed: int) -> GivenScene:
        """Return ``scene`` changed, on the same device; its tensors stay as they are. This counts as rendering time."""


class PictureStage(Component):
    """Changes the picture that a renderer made. Sub-classes set ``name``, ``capabilities``, write ``change_picture``.

    ``capabilities.scale``: how many times larger the picture is that it returns.
    """

    @abstractmethod
    def change_picture(self, picture: Tensor, scene: GivenScene, seed: int) -> Tensor:
        """Return ``picture``, (3,H,W) float32, display-encoded, in [0,1], changed. This counts as rendering time.

        ``scene``: what the renderer was given, with ``capabilities.inputs`` to read.
        """
