"""Defocus to Focus as a renderer of the benchmark: a picture goes in, and nothing else."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...core.optics import GAMMA
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import PICTURE_ONLY, Capabilities
from ..learned import LearnedRenderer, freeze
from .cpu.paint_layers import compile_kernels
from .fusion import blend
from .halving import enlarge, fit, halve
from .layered import render_weighted
from .layering import Layering
from .parts import Parts, layering_for, sharpness_of
from .radiance import power_weight, raise_saturated
from .weight_files import D2fFiles, find_files, raises_saturated

LARGEST_WORKING_PX = 768
"""Shorter side up to which the compact form renders a picture at its own size."""


@dataclass(frozen=True)
class Guess:
    """What the network makes of a picture.

    ``defocus`` (1,1,h,w) in [0,1] at 1 / 2^``halvings`` of the picture's size, and the ``layering`` that it is for.
    """

    defocus: Tensor
    halvings: int
    layering: Layering


class DefocusToFocusRenderer(LearnedRenderer[D2fFiles]):
    """Guesses defocus, blurs the picture in layers by it, and keeps the sharp picture where it is in focus.

    - ``checkpoint``: None for the shipped weights, or a folder, see ``weight_files``.
    - ``radiance``: how pixels are weighed: ``learned``, ``linear`` (as averages in light of gamma 2.2), ``none``.
    - ``fused``: False for the blurred picture alone.

    What is in focus and how strong the blur is, the weights decide; scenes with several lenses for one picture are
    skipped. Values above 1 are clipped first. The blur computes in float32, the networks in ``dtype``.

    Source: Defocus to Focus (Luo et al., Information Fusion 2023).
    """

    name = "defocus-to-focus"
    capabilities: ClassVar[Capabilities] = Capabilities(inputs=PICTURE_ONLY)
    seconds_per_megapixel: ClassVar[float] = 1.5

    def __init__(
        self, name: str | None = None, checkpoint: str | None = None, *, radiance: str = "learned", fused: bool = True
    ):
        super().__init__(name, checkpoint)
        if checkpoint is not None:
            find_files(checkpoint)  # a mistyped name is seen before anything runs
        self._radiance, self._fused = radiance, fused

    def compile_kernels(self) -> None:
        """Compile the painting of layers."""
        compile_kernels()

    def skip(self, scene: Scene) -> str | None:
        """Refuse a scene of a picture that the data set also asks for with other lenses: there is one answer here."""
        several = "its picture is also asked for with another focus or aperture, and neither is given to this renderer"
        return super().skip(scene) or (several if scene.one_of_several else None)

    def find_weights(self, *, download: bool) -> D2fFiles:
        """Find the networks' files."""
        return find_files(self.checkpoint)

    def _load_networks(self, files: D2fFiles) -> None:
        self._files = files
        self._parts = Parts.read(files).to(self.device, self.dtype)
        freeze(self._parts)
        if self.device.type == "cpu":
            compile_kernels()

    @torch.no_grad()
    def guess(self, image: Tensor) -> Guess:
        """Return the defocus that the network guesses of a picture (3,H,W); ``prepare`` comes first."""
        halvings = 1 if self._files.published else 0
        while not self._files.published and min(image.shape[1:]) / 2**halvings > LARGEST_WORKING_PX:
            halvings += 1
        small = halve(image[None], halvings)
        size = (small.shape[-2], small.shape[-1])
        if self._files.published:
            defocus = self._parts.guess(small.to(self.dtype), size).float().clamp(0.0, 1.0)
            return Guess(defocus, halvings, Layering())
        defocus = self._parts.guess(image[None].to(self.dtype), size).float()
        return Guess(defocus, halvings, layering_for(small))

    def guess_radius_px(self, image: Tensor) -> Tensor:
        """Return the radii, px, (1,H,W), that the network guesses for a picture (3,H,W); ``prepare`` comes first."""
        guess = self.guess(image)
        radius_px = 2**guess.halvings * guess.layering.radius_of(guess.defocus)
        return fit(radius_px, (image.shape[1], image.shape[2]))[0]

    @torch.no_grad()
    def _render(self, scene: Scene, seed: int) -> Tensor:
        image = scene.image[None]
        size = (image.shape[-2], image.shape[-1])
        with stage("defocus"):
            guess = self.guess(scene.image)
            small = halve(image, guess.halvings)
        with stage("radiance"):
            weight = self._weigh(small)
        with stage("layers"):
            blurred = enlarge(render_weighted(small, weight, guess.defocus, guess.layering), guess.halvings, size)
        if not self._fused:
            return blurred[0].clamp(0.0, 1.0)
        with stage("fusion"):
            sharpness = sharpness_of(fit(guess.defocus, size), self._files.profile)
            share = self._parts.fusion(sharpness.to(self.dtype), image.to(self.dtype)).float()
            return blend(share, image, blurred)[0]

    def _weigh(self, image: Tensor) -> Tensor:
        if self._radiance == "none":
            return torch.ones_like(image[:, :1])
        if self._radiance == "linear":
            return power_weight(image, GAMMA)
        weight = self._parts.radiance(image.to(self.dtype)).float()
        return raise_saturated(weight, image) if raises_saturated(self._files.profile) else weight
