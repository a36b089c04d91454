"""The march of ``classical-occlusion`` on a device: plan, rays and highlights held against the CPU's, then timed."""

import importlib.util
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ...core.optics import to_linear
from ...core.scene import Scene
from ...renderers.classical.cpu.background import complete_background
from ...renderers.classical.cpu.edges import split_edges
from ...renderers.classical.cpu.highlights import (
    Highlights,
    assign_to_surface,
    return_small,
    scatter_highlights,
    split_off,
)
from ...renderers.classical.cpu.march import bin_shifts, lens_patterns
from ...renderers.classical.cpu.reach import RayPlan, plan_tiles
from ...renderers.classical.device.highlights import (
    move_highlights,
    return_small_on_device,
    scatter_highlights_on_device,
)
from ...renderers.classical.device.march import DeviceLayers, march_on_device
from ...renderers.classical.device.occlusion import move_surfaces, render_edges_on_device
from ...renderers.classical.device.reach import DeviceRayPlan, plan_on_device
from ...renderers.classical.march_reference import march_reference
from ...renderers.classical.surfaces import FloatArray, Surfaces, edge_jump, same_surface_px
from ..latency.repeats import RepeatRule
from ..latency.scene import make_latency_scene
from .clock import time_interleaved
from .step import Check, Record, Timing

SIDE_PX = 1024
RADII_PX = (8.0, 32.0, 64.0)
RULE = RepeatRule(seconds=1.0)


@dataclass(frozen=True, eq=False)
class Separated:
    """A scene's surfaces, highlights and signed defocus (H,W,2) px, on the CPU, and its linear picture (H,W,3)."""

    scene: Scene
    picture: FloatArray
    surfaces: Surfaces
    highlights: Highlights
    defocus: FloatArray

    @property
    def same_px(self) -> float:
        """Defocus closer than this is one surface."""
        return same_surface_px(self.surfaces.jump, self.scene.blur_strength)


def separate(scene: Scene) -> Separated:
    """Separate the surfaces of a scene as the renderer does."""
    linear = to_linear(scene.image, scene.gamma)
    picture = np.ascontiguousarray(linear.permute(1, 2, 0).numpy())
    disparity = np.ascontiguousarray(scene.disparity[0].numpy())
    rest, highlights = split_off(picture)
    surfaces = complete_background(split_edges(rest, disparity, edge_jump(disparity)))
    layers = np.stack([surfaces.front_disparity, surfaces.back_disparity], axis=2)
    defocus = np.float32(scene.blur_strength) * (layers - np.float32(scene.focus_disparity))
    return Separated(scene, picture, surfaces, assign_to_surface(highlights, surfaces), defocus)


def lamps() -> Separated:
    """Return a near square with soft edges before a slanted plane, both textured, with lamps on either; 40x52 px."""
    near = torch.zeros(40, 52)
    near[10:28, 18:40] = 1.0
    near[9, 18:40] = near[28, 18:40] = 0.4
    plane = torch.linspace(0.0, 0.3, 52).repeat(40, 1)
    image = 0.3 + 0.4 * torch.rand(3, 40, 52, generator=torch.Generator().manual_seed(5))
    for y, x in ((5, 8), (20, 17), (20, 22), (9, 30), (36, 48)):
        image[:, y, x] = torch.tensor([4.0, 3.0, 2.0])
    disparity = (near + (1.0 - near) * plane)[None]
    return separate(Scene(name="lamps", image=image, disparity=disparity, focus_disparity=0.5, blur_strength=7.0))


def count_other_plans(device: torch.device) -> float:
    """Return in how many tiles the device's plan is another: looks, their number, or the lens pattern."""
    ours, truth = _plans(lamps(), device)
    if ours.looks.shape != truth.looks.shape:
        return float(truth.counts.size)
    valid = np.arange(truth.looks.shape[2]) < truth.counts[..., None]
    other = (np.where(valid, ours.looks.cpu().numpy() - truth.looks, 0.0) != 0.0).any(axis=2)
    other |= ours.counts.cpu().numpy() != truth.counts
    other |= ours.lens_of_tile.cpu().numpy() != truth.lens_of_tile
    return float(other.sum())


def error_of_rays(device: torch.device) -> float:
    """Return the root mean square of the difference from the march pixel by pixel, linear light."""
    one = lamps()
    ours, plan = _plans(one, device)
    front, back = one.surfaces.front, one.surfaces.back
    truth, found = one.picture.copy(), torch.from_numpy(one.picture.copy()).to(device)
    shifts, (lens, starts) = bin_shifts(plan.lowest, plan.blocks.shape[2]), lens_patterns()
    march_reference(front, back, one.defocus, np.float32(one.same_px), plan, shifts, lens, starts, truth)
    march_on_device(_layers(one, front, back, device), ours, found)
    return float((found.cpu() - torch.from_numpy(truth)).square().mean().sqrt())


def error_of_highlights(device: torch.device) -> float:
    """Return the largest difference of what lamps add to the picture, and of the light that small discs give back."""
    one = lamps()
    ours, plan = _plans(one, device)
    large, front, back = return_small(one.highlights, one.surfaces.front, one.surfaces.back, one.defocus)
    truth = np.zeros_like(one.picture)
    scatter_highlights(
        0, len(plan.counts), large.rows, large.columns, large.light, large.layers, front, one.defocus, plan.looks,
        plan.counts, plan.lens_of_tile, truth,
    )  # fmt: skip
    maps = (torch.from_numpy(x).to(device) for x in (one.surfaces.front, one.surfaces.back, one.defocus))
    moved, *returned = return_small_on_device(move_highlights(one.highlights, device), *maps)
    found = torch.zeros(truth.shape, device=device)
    scatter_highlights_on_device(moved, _layers(one, front, back, device), ours, found)
    pairs = zip((found, *returned), (truth, front, back), strict=True)
    return max(float((a.cpu() - torch.from_numpy(b)).abs().max()) for a, b in pairs)


def count_changed(device: torch.device) -> float:
    """Return how many values of rays and highlights together differ from one call to the next."""
    one = lamps()
    pictures = [_render(one, device) for _ in range(2)]
    return float((pictures[0] != pictures[1]).sum())


def time_march(largest_px: float, device: torch.device, side: int = SIDE_PX, rule: RepeatRule = RULE) -> Record:
    """Time plan, rays and highlights on the device by turns with the literal scatter of the same picture there.

    The separation of surfaces, which the CPU does, and the way to the device are outside the clock.
    """
    one = separate(make_latency_scene(side, side, largest_px))
    scene, moved = one.scene.to(device), move_surfaces(one.surfaces, one.highlights, device)
    linear = torch.from_numpy(one.picture).permute(2, 0, 1).contiguous().to(device)
    picture = linear.permute(1, 2, 0).contiguous()
    calls = {"march": partial(render_edges_on_device, moved, scene, None, picture)}
    if importlib.util.find_spec("triton"):
        from .literal_scatter import scatter_literal

        calls["literal atomics"] = partial(scatter_literal, linear, scene.defocus[0].abs())
    return {"side": side, "radius_px": largest_px} | time_interleaved(calls, device, rule)


def _render(one: Separated, device: torch.device) -> Tensor:
    picture = torch.from_numpy(one.picture.copy()).to(device)
    render_edges_on_device(move_surfaces(one.surfaces, one.highlights, device), one.scene.to(device), None, picture)
    return picture.cpu()


def _plans(one: Separated, device: torch.device) -> tuple[DeviceRayPlan, RayPlan]:
    defocus, edges = (torch.from_numpy(x).to(device) for x in (one.defocus, one.surfaces.edges))
    return plan_on_device(defocus, edges), plan_tiles(one.defocus, one.surfaces.edges)


def _layers(one: Separated, front: FloatArray, back: FloatArray, device: torch.device) -> DeviceLayers:
    return DeviceLayers(*(torch.from_numpy(x).to(device) for x in (front, back, one.defocus)), one.same_px)


CHECKS = (
    Check(
        name="check/march/plan",
        reference="the CPU's plan, tiles that differ",
        tolerance=0.0,
        find_error=count_other_plans,
        seconds=20.0,
    ),
    Check(
        name="check/march/rays",
        reference="the march pixel by pixel, root mean square",
        tolerance=1e-4,
        find_error=error_of_rays,
        seconds=10.0,
    ),
    Check(
        name="check/march/highlights",
        reference="the CPU's compiled loop",
        tolerance=1e-4,
        find_error=error_of_highlights,
        seconds=5.0,
    ),
    Check(
        name="check/march/same bits",
        reference="the call before, values that differ",
        tolerance=0.0,
        find_error=count_changed,
        seconds=8.0,
    ),
)
TIMINGS = tuple(
    Timing(name=f"time/march/{radius:g} px", take=partial(time_march, radius), seconds=6.0) for radius in RADII_PX
)
