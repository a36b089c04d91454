"""The occlusion-aware classical renderer: lens rays through what is in front and what that hides."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from ...core.optics import to_display, to_linear
from ...core.scene import Scene
from ...core.timing import stage
from ..interface import Capabilities, Renderer
from .cpu.background import complete_background
from .cpu.edges import split_edges
from .cpu.highlights import (
    Highlights,
    assign_to_surface,
    return_small,
    scatter_highlights,
    split_off,
)
from .cpu.march import bin_shifts, lens_patterns, march_tiles
from .cpu.planes import empty_planes, lay_rows, measure_defocus
from .cpu.reach import plan_tiles
from .cpu.strips import map_strips, run_strips, split_rows
from .device.occlusion import DeviceSurfaces, move_surfaces, render_edges_on_device
from .kernel_choice import choose_kernel
from .surfaces import FloatArray, Surfaces, edge_jump, same_surface_px

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

    Mixed pixels at depth edges are separated into foreground, background and coverage, what the foreground hides is
    completed, and points of light are scattered over their disc instead of sampled. Where only one surface is in reach
    of the lens the plain scatter of ``classical`` is the picture. ``samples``: rays per pixel; None chooses them from
    the radius. docs/classical_occlusion.md has what each step is worth.

    On the CPU the rays are compiled loops; on any other device the same rays run there as PyTorch operations, beside
    the scatter of ``classical`` there. What depends on the picture alone (highlights, matting, completion) is computed
    on the CPU either way, and kept until the next picture, so that a focal stack or a sweep of apertures separates its
    surfaces once; the device gets the result.

    Deterministic: the seed makes no difference, nor does the number of threads.
    """

    name = "classical-occlusion"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)
    seconds_per_megapixel: ClassVar[float] = 1.5

    def __init__(self, name: str | None = None, *, samples: int | None = None):
        super().__init__(name)
        self.samples = samples
        self._kept: _Separated | None = None

    def forget(self) -> None:
        """Drop the separated surfaces of the last picture."""
        self._kept = None

    def compile_kernels(self) -> None:
        """Prepare for the CPU."""
        self.prepare("cpu")

    def _load(self) -> None:
        """Choose the kernels for the device, and compile them on a tiny scene that has an edge and a highlight."""
        kernel = choose_kernel(self.device)
        self._scatter, self._on_device = kernel.scatter, self.device.type != "cpu"
        self.backend = f"rays: {'PyTorch' if self._on_device else 'compiled for the CPU'}; scatter: {kernel.name}"
        self._kept = None
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
        self._kept = None

    def _render(self, scene: Scene, seed: int) -> Tensor:
        if self._on_device:
            return self._render_on_device(scene)
        threads = torch.get_num_threads()
        disparity = scene.disparity[0].contiguous()
        radius_px = np.abs(np.float32(scene.blur_strength) * (disparity.numpy() - np.float32(scene.focus_disparity)))
        if radius_px.max() < SHARP_BELOW_PX:
            return scene.image.clamp(max=1.0)
        with stage("to linear light"):
            linear = map_strips(partial(to_linear, gamma=scene.gamma), scene.image, threads)
        with stage("scatter"):
            picture = self._scatter(linear, torch.from_numpy(radius_px))
        with stage("separate surfaces"):
            kept = self._separate(linear, disparity)
        with stage("march rays"):
            self._march(kept.surfaces, kept.highlights, scene, picture.permute(1, 2, 0).numpy())
        with stage("to display"):
            return map_strips(partial(to_display, gamma=scene.gamma), picture, threads)

    def _render_on_device(self, scene: Scene) -> Tensor:
        if float(scene.defocus.abs().max()) < SHARP_BELOW_PX:
            return scene.image.clamp(max=1.0)
        with stage("to linear light"):
            linear = to_linear(scene.image, scene.gamma)
        with stage("scatter"):
            picture = self._scatter(linear, scene.defocus[0].abs()).permute(1, 2, 0).contiguous()
        with stage("separate surfaces"):
            kept = self._separate(linear, scene.disparity[0])
        with stage("march rays"):
            render_edges_on_device(cast(DeviceSurfaces, kept.moved), scene, self.samples, picture)
        with stage("to display"):
            return to_display(picture.permute(2, 0, 1).contiguous(), scene.gamma)

    def _separate(self, linear: Tensor, disparity: Tensor) -> _Separated:
        """Return the scene's surfaces and highlights, from memory where it was the last one, too."""
        kept = self._kept
        if kept is None or not (_same(kept.linear, linear) and _same(kept.disparity, disparity)):
            self._kept = None  # its memory is free while the next one is made
            kept = self._kept = self._separate_surfaces(linear, disparity)
        return kept

    def _separate_surfaces(self, linear: Tensor, disparity: Tensor) -> _Separated:
        picture = np.ascontiguousarray(linear.permute(1, 2, 0).cpu().numpy())
        depths = np.array(disparity.cpu().numpy(), order="C")
        jump = edge_jump(depths)
        picture, highlights = split_off(picture)
        surfaces = complete_background(split_edges(picture, depths, jump))
        highlights = assign_to_surface(highlights, surfaces)
        moved = move_surfaces(surfaces, highlights, self.device) if self._on_device else None
        return _Separated(linear, torch.from_numpy(depths).to(disparity.device), surfaces, highlights, moved)

    def _march(self, surfaces: Surfaces, highlights: Highlights, scene: Scene, picture: FloatArray) -> None:
        """Overwrite the tiles of ``picture`` (H,W,3), linear, where more than one surface is in reach."""
        strength, focus = np.float32(scene.blur_strength), np.float32(scene.focus_disparity)
        threads, defocus = torch.get_num_threads(), np.empty((*surfaces.edges.shape, 2), np.float32)

        def measure(top: int, bottom: int) -> None:
            near, far = surfaces.front_disparity, surfaces.back_disparity
            measure_defocus(top, bottom, near, far, strength, focus, defocus)

        run_strips(measure, split_rows(np.ones(len(defocus)), threads), threads)
        same_px = np.float32(same_surface_px(surfaces.jump, scene.blur_strength))
        plan = plan_tiles(defocus, surfaces.edges, self.samples)
        shifts = bin_shifts(plan.lowest, plan.blocks.shape[2])
        lens, lens_start = lens_patterns()
        large, front, back = return_small(highlights, surfaces.front, surfaces.back, defocus)
        planes = empty_planes(*defocus.shape[:2])

        def lay(top: int, bottom: int) -> None:
            lay_rows(top, bottom, front, back, defocus, planes)

        def render(top: int, bottom: int) -> None:
            march_tiles(top, bottom, planes, plan, shifts, same_px, lens, lens_start, front, picture)
            scatter_highlights(
                top, bottom, large.rows, large.columns, large.light, large.layers, front, defocus, plan.looks,
                plan.counts, plan.lens_of_tile, picture,
            )  # fmt: skip

        run_strips(lay, split_rows(np.ones(len(planes)), threads), threads)
        run_strips(render, [(row, row + 1) for row in range(len(plan.counts))], threads)


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether all values are equal; on the CPU without PyTorch's threads (see ``map_strips``)."""
    if one.device.type != "cpu" or other.device.type != "cpu":
        return torch.equal(one, other)
    return np.array_equal(one.numpy(), other.numpy())
