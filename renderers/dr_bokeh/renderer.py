"""Dr.Bokeh's renderer as a renderer of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.optics import to_display, to_linear
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .device import gather_on_device
from .gather import gather_on_cpu
from .layers import LensLayer, split_layers

LARGEST_PX = 256.0
"""The work grows with the radius squared: at this one, half a megapixel takes a core 36 s."""


class DrBokehRenderer(Renderer):
    """Gathers the light of two layers by radius and depth of its sources, and composes them front to back.

    The layers are made of the surfaces of ``classical-occlusion``, on the CPU; ``backend`` names them. The gather is
    compiled for the CPU, and runs as PyTorch operations on any other device. Computes in float32, in linear light,
    whatever ``dtype`` says. Blur strength 0 gives the input back only nearly: every disc is one pixel larger than the
    defocus. Deterministic: the seed makes no difference, nor does the number of threads.

    Source: Dr.Bokeh (Sheng et al., CVPR 2024); ``reference.render_reference`` has the equations.
    """

    name = "dr-bokeh"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)
    seconds_per_megapixel: ClassVar[float] = 0.6

    def skip(self, scene: Scene) -> str | None:
        """Refuse radii above LARGEST_PX, too."""
        return super().skip(scene) or _say_too_large(scene)

    def compile_kernels(self) -> None:
        """Prepare for the CPU."""
        self.prepare("cpu")

    def _load(self) -> None:
        """Choose the gather for the device, and compile it and the separation of layers on a tiny scene."""
        on_cpu = self.device.type == "cpu"
        self._gather = gather_on_cpu if on_cpu else gather_on_device
        gather = "compiled for the CPU" if on_cpu else "PyTorch"
        self.backend = f"layers: foreground and completed background of classical-occlusion; gather: {gather}"
        disparity = torch.zeros(1, 32, 32)
        disparity[:, :, 16:] = 1.0
        tiny = Scene(
            name="tiny", image=torch.full((3, 32, 32), 0.1), disparity=disparity, focus_disparity=1.0, blur_strength=4.0
        )
        self._render(tiny.to(self.device), 0)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        with stage("to linear light"):
            linear, disparity = to_linear(scene.image, scene.gamma), scene.disparity[0]
        with stage("separate layers"):
            bounds = float(disparity.min()), float(disparity.max())
            layers = [
                LensLayer.focus(layer.to(self.device), bounds, scene.focus_disparity, scene.blur_strength)
                for layer in split_layers(linear, disparity, float(scene.defocus.abs().max()) + 1)
            ]
        with stage("gather"):
            picture = self._gather(layers)
        with stage("to display"):
            return to_display(picture, scene.gamma)


def _say_too_large(scene: Scene) -> str | None:
    largest_px = float(scene.defocus.abs().max())
    return (
        f"renders radii of up to {LARGEST_PX:g} px, the scene's is {largest_px:.0f}"
        if largest_px > LARGEST_PX
        else None
    )
