"""``sr+NAME`` and ``NAME+sr``: MagicBokeh without defocus, before or behind any renderer.

Two stages, one to clean the picture and one to blur it: what MagicBokeh, which does both in one pass, is compared with.
"""

from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from ...core.scene import GivenScene
from ..component import PICTURE_ONLY, Capabilities
from ..learned import LearnedComponent
from ..stages.interface import PictureStage, SceneStage
from .release.renderer import MagicBokehReleaseRenderer
from .release.weight_files import ReleaseFiles, is_release
from .renderer import MagicBokehRenderer
from .weight_files import MagicFiles


class SuperResolution(LearnedComponent[ReleaseFiles | MagicFiles]):
    """MagicBokeh at a defocus of zero.

    - ``checkpoint``: None for the compact network that ships, or a folder for ``magicbokeh@FOLDER``, of the authors'
      weights or of a compact network.

    Raises as those renderers for a folder without weights.
    """

    name = "sr"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)

    def __init__(self, name: str | None = None, checkpoint: str | None = None):
        super().__init__(name, checkpoint)
        self._magicbokeh: MagicBokehReleaseRenderer | MagicBokehRenderer
        if checkpoint is not None and is_release(checkpoint):
            self._magicbokeh = MagicBokehReleaseRenderer(checkpoint=checkpoint)
        else:
            self._magicbokeh = MagicBokehRenderer(checkpoint=checkpoint, restores_only=True)
        self.seconds_per_megapixel = self._magicbokeh.seconds_per_megapixel  # type: ignore[misc]
        self.capabilities = replace(type(self).capabilities, hdr=self._magicbokeh.capabilities.hdr)  # type: ignore[misc]

    def find_weights(self, *, download: bool) -> ReleaseFiles | MagicFiles:
        """Find MagicBokeh's."""
        return self._magicbokeh.find_weights(download=download)

    def compile_kernels(self) -> None:
        """Compile MagicBokeh's."""
        self._magicbokeh.compile_kernels()

    def restore(self, picture: Tensor, seed: int) -> Tensor:
        """Return ``picture`` (3,H,W), display-encoded, cleaned; values above 1 where the capabilities say hdr."""
        largest = None if self.capabilities.hdr else 1.0
        return self._magicbokeh.super_resolve(picture.clamp(min=0.0, max=largest), seed)

    def _load_networks(self, files: ReleaseFiles | MagicFiles) -> None:
        self._magicbokeh.prepare(self.device, self.dtype)

    def _warm_up(self) -> None:
        """Do nothing: MagicBokeh's own preparation has."""


class RestoreFirst(SuperResolution, SceneStage):
    """Cleans the picture that a renderer is given; disparity, focus and blur strength stay."""

    changes: ClassVar[frozenset[str]] = PICTURE_ONLY

    def change_scene(self, scene: GivenScene, seed: int) -> GivenScene:
        """Return the scene with a clean picture."""
        return scene.with_image(self.restore(scene.image, seed))


class RestoreLast(SuperResolution, PictureStage):
    """Cleans the picture that a renderer made."""

    def change_picture(self, picture: Tensor, scene: GivenScene, seed: int) -> Tensor:
        """Return the picture cleaned."""
        return self.restore(picture, seed)
