"""The occlusion-aware classical renderer: lens rays through what is in front and what that hides."""

import hashlib
from collections import OrderedDict
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidOptionError
from ..interface import Capabilities, Renderer, Scene
from ..optics import to_display, to_linear
from .background import complete_background
from .edges import split_edges
from .highlights import (
    LARGEST_SHARE,
    Highlights,
    give_back_small,
    place_highlights,
    scatter_highlights,
    take_highlights,
)
from .march import lens_patterns, march_tiles
from .reach import plan_tiles
from .spans import scatter_spans
from .strips import run_strips
from .surfaces import FloatArray, Surfaces, edge_jump, whole_pixels

COMPLETIONS = ("none", "nearest", "smooth", "mirror")
KEPT_SCENES = 4
"""Scenes whose surfaces are kept, so that a focal stack or a sweep of apertures separates them once."""

SHARP_BELOW_PX = 0.05
"""A picture whose largest radius is under this is returned as it is."""


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

    Deterministic: the seed makes no difference, nor does the number of threads.
    Raises InvalidOptionError for an unknown completion.
    """

    name = "classical-occlusion"
    capabilities: ClassVar[Capabilities] = Capabilities(devices=("cpu",), hdr=True)

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
        self._kept: OrderedDict[bytes, tuple[Surfaces, Highlights]] = OrderedDict()

    def _load(self) -> None:
        """Compile the kernels on a tiny scene that has an edge and a highlight."""
        image = torch.full((3, 32, 32), 0.1)
        image[:, 4, 4] = 1.0
        disparity = torch.zeros(1, 32, 32)
        disparity[:, :, 16:] = 1.0
        self._render(Scene(name="tiny", image=image, disparity=disparity, focus_disparity=1.0, blur_strength=4.0), 0)
        self._kept.clear()

    def _render(self, scene: Scene, seed: int) -> Tensor:
        if float(scene.defocus.abs().max()) < SHARP_BELOW_PX:
            return scene.image.clamp(max=1.0)
        linear = to_linear(scene.image, scene.gamma)
        plain = scatter_spans(linear, scene.defocus[0].abs())
        picture = plain.permute(1, 2, 0).contiguous().numpy()
        surfaces, highlights = self._separate(linear, scene.disparity[0])
        self._march(surfaces, highlights, scene, picture)
        return to_display(torch.from_numpy(picture).permute(2, 0, 1).contiguous(), scene.gamma)

    def _separate(self, linear: Tensor, disparity: Tensor) -> tuple[Surfaces, Highlights]:
        """Return the scene's surfaces and highlights, from memory where the same picture was rendered lately."""
        picture = np.ascontiguousarray(linear.permute(1, 2, 0).numpy())
        depths = np.ascontiguousarray(disparity.numpy())
        key = hashlib.blake2b(picture.tobytes() + depths.tobytes() + str(picture.shape).encode()).digest()
        if key not in self._kept:
            jump = edge_jump(depths)
            picture, highlights = take_highlights(picture, LARGEST_SHARE if self.highlights else 0.0)
            split = split_edges(picture, depths, jump, self.colour_matting) if self.matting else None
            surfaces = split or whole_pixels(picture, depths, jump)
            if self.completion != "none":
                surfaces = complete_background(surfaces, self.completion)
            self._kept[key] = surfaces, place_highlights(highlights, surfaces)
            if len(self._kept) > KEPT_SCENES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _march(self, surfaces: Surfaces, highlights: Highlights, scene: Scene, picture: FloatArray) -> None:
        """Overwrite the tiles of ``picture`` (H,W,3), linear, where more than one surface is in reach."""
        strength, focus = np.float32(scene.blur_strength), np.float32(scene.focus_disparity)
        layers = np.stack([surfaces.front_disparity, surfaces.back_disparity], axis=2)
        defocus = strength * (layers - focus)
        same_px = np.float32(max(0.5 * scene.blur_strength * surfaces.jump, 0.1))
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
