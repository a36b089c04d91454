"""The occlusion-aware classical renderer: lens rays through what is in front and what that hides."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from ...core.optics import to_display, to_linear
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .cpu.background import complete_background
from .cpu.edges import split_edges
from .cpu.highlights import (
    LARGEST_SHARE,
    Highlights,
    give_back_small,
    place_highlights,
    scatter_highlights,
    take_highlights,
)
from .cpu.march import lens_patterns, march_tiles
from .cpu.reach import plan_tiles
from .cpu.strips import run_strips
from .device.occlusion import DeviceSurfaces, move_surfaces, render_edges_on_device
from .kernel_choice import choose_kernel
from .surfaces import FloatArray, Surfaces, edge_jump, same_surface_px, whole_pixels

COMPLETIONS = ("none", "nearest", "smooth", "mirror")
KEPT_SCENES = 4
"""Scenes whose surfaces are kept, so that a focal stack or a sweep of apertures separates them once."""

SHARP_BELOW_PX = 0.05
"""A picture whose largest radius is under this is returned as it is."""


@dataclass(frozen=True, eq=False)
class _Separated:
    """A picture (3,H,W), linear, with its disparity (H,W), and the surfaces that they were separated into."""

    linear: Tensor
    disparity: Tensor
    surfaces: Surfaces
    highlights: Highlights
    moved: DeviceSurfaces | None
    """The same on the device, where the rays are marched there."""


class OcclusionRenderer(Renderer):
    """Thin-lens rays marched through two surfaces per pixel, in linear light, float32 whatever ``dtype`` says.

    Where only one surface is in reach of the lens the plain scatter of ``classical`` is the picture. Options, each a
    step that can be switched off to see what it does:

    - ``matting``: separate mixed pixels at depth edges into foreground, background and coverage.
    - ``colour_matting``: take coverage from the colours where the disparity jumps without intermediate values.
    - ``completion``: what lies behind the foreground: ``none``, the ``nearest`` pixel of the farther surface, that
      ``smooth``ed, or the farther surface as in a ``mirror``.
    - ``rotate``: turn the lens pattern from pixel to pixel; ``bilinear``: interpolate colours.
    - ``highlights``: scatter points of light over their disc instead of sampling them.
    - ``samples``: rays per pixel; None chooses from the radius. ``plain``: use the plain scatter where it is exact.

    On the CPU the rays are compiled loops; on any other device the same rays run there as PyTorch operations, beside
    the scatter of ``classical`` there. What depends on the picture alone (highlights, matting, completion) is computed
    on the CPU either way, once per picture, and kept; the device gets the result.

    Deterministic: the seed makes no difference, nor does the number of threads.
    Raises InvalidOptionError for an unknown completion.
    """

    name = "classical-occlusion"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)

    def __init__(
        self,
        name: str | None = None,
        *,
        matting: bool = True,
        colour_matting: bool = True,
        completion: str = "smooth",
        rotate: bool = False,
        bilinear: bool = True,
        highlights: bool = True,
        samples: int | None = None,
        plain: bool = True,
    ):
        super().__init__(name)
        if completion not in COMPLETIONS:
            raise InvalidOptionError(f"completion: expected one of {', '.join(COMPLETIONS)}, got '{completion}'")
        self.matting, self.colour_matting, self.completion = matting, colour_matting, completion
        self.rotate, self.bilinear, self.highlights = rotate, bilinear, highlights
        self.samples, self.plain = samples, plain
        self._kept: list[_Separated] = []

    def forget(self) -> None:
        """Drop the separated surfaces of earlier pictures."""
        self._kept.clear()

    def _load(self) -> None:
        """Choose the kernels for the device, and compile them on a tiny scene that has an edge and a highlight."""
        kernel = choose_kernel(self.device)
        self._scatter, self._on_device = kernel.scatter, self.device.type != "cpu"
        self.backend = f"rays: {'PyTorch' if self._on_device else 'compiled for the CPU'}; scatter: {kernel.name}"
        self._kept.clear()
        image = torch.full((3, 32, 32), 0.1)
        image[:, 4, 4] = 1.0
        disparity = torch.zeros(1, 32, 32)
        disparity[:, :, 16:] = 1.0
        self._render(
            Scene(name="tiny", image=image, disparity=disparity, focus_disparity=1.0, blur_strength=4.0).to(
                self.device
            ),
            0,
        )
        self._kept.clear()

    def _render(self, scene: Scene, seed: int) -> Tensor:
        if float(scene.defocus.abs().max()) < SHARP_BELOW_PX:
            return scene.image.clamp(max=1.0)
        with stage("to linear light"):
            linear = to_linear(scene.image, scene.gamma)
        with stage("scatter"):
            plain = self._scatter(linear, scene.defocus[0].abs())
            picture = plain.permute(1, 2, 0).contiguous()
        with stage("separate surfaces"):
            kept = self._separate(linear, scene.disparity[0])
        with stage("march rays"):
            if kept.moved is None:
                self._march(kept.surfaces, kept.highlights, scene, picture.numpy())
            else:
                render_edges_on_device(
                    kept.moved, scene, self.samples, not self.plain, self.rotate, self.bilinear, picture
                )
        with stage("to display"):
            return to_display(picture.permute(2, 0, 1).contiguous(), scene.gamma)

    def _separate(self, linear: Tensor, disparity: Tensor) -> _Separated:
        """Return the scene's surfaces and highlights, from memory where the same picture was rendered lately."""
        for kept in self._kept:
            if torch.equal(kept.linear, linear) and torch.equal(kept.disparity, disparity):
                self._kept.remove(kept)
                break
        else:
            kept = self._separate_anew(linear, disparity)
        self._kept = [*self._kept, kept][-KEPT_SCENES:]
        return kept

    def _separate_anew(self, linear: Tensor, disparity: Tensor) -> _Separated:
        picture = np.ascontiguousarray(linear.permute(1, 2, 0).cpu().numpy())
        depths = np.ascontiguousarray(disparity.cpu().numpy())
        jump = edge_jump(depths)
        picture, highlights = take_highlights(picture, LARGEST_SHARE if self.highlights else 0.0)
        split = split_edges(picture, depths, jump, self.colour_matting) if self.matting else None
        surfaces = split or whole_pixels(picture, depths, jump)
        if self.completion != "none":
            surfaces = complete_background(surfaces, self.completion)
        highlights = place_highlights(highlights, surfaces)
        moved = move_surfaces(surfaces, highlights, self.device) if self._on_device else None
        return _Separated(linear.clone(), disparity.clone(), surfaces, highlights, moved)

    def _march(self, surfaces: Surfaces, highlights: Highlights, scene: Scene, picture: FloatArray) -> None:
        """Overwrite the tiles of ``picture`` (H,W,3), linear, where more than one surface is in reach."""
        strength, focus = np.float32(scene.blur_strength), np.float32(scene.focus_disparity)
        layers = np.stack([surfaces.front_disparity, surfaces.back_disparity], axis=2)
        defocus = strength * (layers - focus)
        same_px = np.float32(same_surface_px(surfaces.jump, scene.blur_strength))
        plan = plan_tiles(defocus, surfaces.edges, self.samples, everywhere=not self.plain)
        lens, lens_start = lens_patterns()
        large, front, back = give_back_small(highlights, surfaces.front, surfaces.back, defocus)

        def render(top: int, bottom: int) -> None:
            march_tiles(
                top, bottom, front, back, defocus, same_px, plan.looks, plan.counts, plan.lens_of_tile,
                lens, lens_start, self.rotate, self.bilinear, picture,
            )  # fmt: skip
            scatter_highlights(
                top, bottom, large.rows, large.columns, large.light, large.layers, front, defocus, plan.looks,
                plan.counts, plan.lens_of_tile, picture,
            )  # fmt: skip

        run_strips(render, [(row, row + 1) for row in range(len(plan.counts))], torch.get_num_threads())
