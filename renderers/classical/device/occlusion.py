"""The occlusion-aware renderer's part on a GPU: surfaces are moved there once, the rest is plain PyTorch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ....core.scene import Scene
from ..cpu.highlights import Highlights
from ..surfaces import Surfaces, same_surface_px
from .highlights import DeviceHighlights, move_highlights, return_small_on_device, scatter_highlights_on_device
from .march import DeviceLayers, march_on_device
from .reach import plan_on_device


@dataclass(frozen=True, eq=False)
class DeviceSurfaces:
    """``Surfaces`` as tensors on one device, both disparities as one (H,W,2), and their highlights."""

    front: Tensor
    back: Tensor
    disparity: Tensor
    edges: Tensor
    jump: float
    highlights: DeviceHighlights


def move_surfaces(surfaces: Surfaces, highlights: Highlights, device: torch.device) -> DeviceSurfaces:
    """Copy a scene's surfaces and highlights to a device."""
    front, back, near, far, edges = (
        torch.from_numpy(array).to(device)
        for array in (
            surfaces.front, surfaces.back, surfaces.front_disparity, surfaces.back_disparity, surfaces.edges,
        )
    )  # fmt: skip
    moved = move_highlights(highlights, device)
    return DeviceSurfaces(front, back, torch.stack([near, far], dim=2), edges, surfaces.jump, moved)


def render_edges_on_device(
    surfaces: DeviceSurfaces,
    scene: Scene,
    samples: int | None,
    picture: Tensor,
) -> None:
    """Overwrite the tiles of ``picture`` (H,W,3), linear, where more than one surface is in reach.

    ``samples``: as of ``OcclusionRenderer``.
    """
    defocus = scene.blur_strength * (surfaces.disparity - scene.focus_disparity)
    plan = plan_on_device(defocus, surfaces.edges, samples)
    large, front, back = return_small_on_device(surfaces.highlights, surfaces.front, surfaces.back, defocus)
    layers = DeviceLayers(front, back, defocus, same_surface_px(surfaces.jump, scene.blur_strength))
    march_on_device(layers, plan, picture)
    scatter_highlights_on_device(large, layers, plan, picture)
