"""BokehMe as a renderer of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.scene import Scene
from ...core.timing import stage
from ..classical.scatter import ScatterRenderer
from ..convolution.winograd import compile_convolution
from ..interface import Capabilities
from ..learned import LearnedRenderer, freeze
from ..read_weights import read_network
from .compiled_layers import compile_layers
from .dilated_defocus import dilate_defocus
from .networks import ARNet, IUNet
from .refinement import UNIT_PX, lift_highlights, refine
from .weight_files import BokehMeFiles, find_files


class BokehMeRenderer(LearnedRenderer[BokehMeFiles]):
    """The classical scatter, and where depth jumps, a picture that two networks make at growing sizes.

    - ``checkpoint``: None for the shipped weights, or a folder, see ``weight_files``.
    - ``highlights``: raise bright colours out of focus first, as the authors' program does when asked to.

    Blur strength 0 gives nearly the input: the scatter's soft rim, where the networks do not replace it. Values above 1
    are clipped first. The scatter computes in float32, the networks in ``dtype``.

    Source: BokehMe (Peng et al., CVPR 2022).
    """

    name = "bokehme"
    capabilities: ClassVar[Capabilities] = Capabilities()
    seconds_per_megapixel: ClassVar[float] = 2.5

    def __init__(self, name: str | None = None, checkpoint: str | None = None, *, highlights: bool = False):
        super().__init__(name, checkpoint)
        if checkpoint is not None:
            find_files(checkpoint)  # a mistyped name is seen before anything runs
        self._highlights = highlights
        self._classical = ScatterRenderer()

    def compile_kernels(self) -> None:
        """Compile the scatter, the convolutions and the dilation of the defocus."""
        self._classical.compile_kernels()
        compile_convolution()
        dilate_defocus(torch.full((4, 4), 2.0))

    def find_weights(self, *, download: bool) -> BokehMeFiles:
        """Find the two networks' files."""
        return find_files(self.checkpoint)

    def _load_networks(self, files: BokehMeFiles) -> None:
        self._arnet = read_network(ARNet(), files.arnet).to(self.device, self.dtype)
        self._iunet = read_network(IUNet(), files.iunet).to(self.device, self.dtype)
        for network in (self._arnet, self._iunet):
            freeze(network)
            if self.device.type == "cpu" and self.dtype == torch.float32:
                compile_layers(network)
        self._classical.prepare(self.device)
        self.backend = self._classical.backend

    def _render(self, scene: Scene, seed: int) -> Tensor:
        image = self._lifted(scene) if self._highlights else scene.image
        with stage("classical"):
            blurred = self._classical.render_accepted(scene.with_image(image))
        with stage("dilated defocus"):
            defocus_px = scene.defocus
            dilated_px = dilate_defocus(defocus_px[0])[None]
        with stage("networks"), torch.no_grad():
            refined = refine(
                self._arnet,
                self._iunet,
                image[None].to(self.dtype),
                (defocus_px[None] / UNIT_PX).to(self.dtype),
                (dilated_px[None] / UNIT_PX).to(self.dtype),
                scene.gamma,
            )
        picture, error = refined.pictures[-1][0].float(), refined.error[0].float()
        return (blurred * (1.0 - error) + picture * error).clamp(0.0, 1.0)

    def _lifted(self, scene: Scene) -> Tensor:
        spread = (scene.disparity.max() - scene.disparity.min()).clamp(min=1e-12)
        return lift_highlights(scene.image[None], (scene.disparity - scene.focus_disparity)[None] / spread)[0]
