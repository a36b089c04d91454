"""``sr+NAME`` and ``NAME+sr``: MagicBokeh's networks without defocus, before or behind any renderer.

Two stages, one to clean the picture and one to blur it: what MagicBokeh, which does both in one pass, is compared with.
"""

from typing import ClassVar

from torch import Tensor

from ...core.errors import MissingWeightsError
from ...core.scene import GivenScene
from ..component import PICTURE_ONLY, Capabilities
from ..learned import LearnedComponent
from ..stages.interface import PictureStage, SceneStage
from .release.renderer import MagicBokehReleaseRenderer
from .release.weight_files import REMEDY, ReleaseFiles

NO_WEIGHTS = f"sr: no weights of it ship: use sr@FOLDER with those of MagicBokeh's authors: {REMEDY}"


class SuperResolution(LearnedComponent[ReleaseFiles]):
    """The networks of ``magicbokeh@FOLDER`` at a defocus of zero. ``checkpoint``: FOLDER.

    Raises as MagicBokehReleaseRenderer for a folder without them; without one, MissingWeightsError when it is prepared.
    """

    name = "sr"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)
    seconds_per_megapixel: ClassVar[float] = MagicBokehReleaseRenderer.seconds_per_megapixel

    def __init__(self, name: str | None = None, checkpoint: str | None = None):
        super().__init__(name, checkpoint)
        self._network = None if checkpoint is None else MagicBokehReleaseRenderer(checkpoint=checkpoint)

    def find_weights(self, *, download: bool) -> ReleaseFiles:
        """Find those of the networks."""
        return self._chosen().find_weights(download=download)

    def compile_kernels(self) -> None:
        """Compile those of the networks."""
        self._chosen().compile_kernels()

    def restore(self, picture: Tensor, seed: int) -> Tensor:
        """Return ``picture`` (3,H,W), display-encoded, in [0,1], cleaned."""
        return self._chosen().super_resolve(picture.clamp(0.0, 1.0), seed)

    def _load_networks(self, files: ReleaseFiles) -> None:
        self._chosen().prepare(self.device, self.dtype)

    def _warm_up(self) -> None:
        """Do nothing: the networks' own preparation has."""

    def _chosen(self) -> MagicBokehReleaseRenderer:
        if self._network is None:
            raise MissingWeightsError(NO_WEIGHTS)
        return self._network


class RestoreFirst(SuperResolution, SceneStage):
    """Cleans the picture that a renderer is given; disparity, focus and blur strength stay."""

    def change_scene(self, scene: GivenScene, seed: int) -> GivenScene:
        """Return the scene with a clean picture."""
        return scene.with_image(self.restore(scene.image, seed))


class RestoreLast(SuperResolution, PictureStage):
    """Cleans the picture that a renderer made."""

    def change_picture(self, picture: Tensor, scene: GivenScene, seed: int) -> Tensor:
        """Return the picture cleaned."""
        return self.restore(picture, seed)
