"""Scattering of highlights on any device, in plain PyTorch: all pixels of all discs at once.

Sums are taken in fixed point: integer additions commute, so their order, which atomics leave open, does not matter.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..cpu.highlights import LEAST_RADIUS_PX, Highlights
from ..cpu.reach import BIN_PX, TILE_PX
from .march import LEAST_LIGHT, LOOK_DEPTH_PX, DeviceLayers, Rays, nearest_pixel
from .reach import DeviceRayPlan

STEPS_PER_UNIT = 2.0**32
"""Of the fixed point; sums up to 2^31 in linear light fit."""

PIXELS_AT_ONCE = 1 << 21
"""Bounds the memory of a block of discs."""


@dataclass(frozen=True, eq=False)
class DeviceHighlights:
    """``Highlights`` as tensors on one device: rows, columns, layers (n,) int64, light (n,3) float32."""

    rows: Tensor
    columns: Tensor
    light: Tensor
    layers: Tensor

    def select(self, which: Tensor) -> "DeviceHighlights":
        """Return some of them; ``which``: (n,) bool or indices."""
        return DeviceHighlights(self.rows[which], self.columns[which], self.light[which], self.layers[which])


def move_highlights(highlights: Highlights, device: torch.device) -> DeviceHighlights:
    """Copy highlights to a device."""
    fields = highlights.rows, highlights.columns, highlights.light, highlights.layers
    return DeviceHighlights(*(torch.from_numpy(field).to(device) for field in fields))


def return_small_on_device(
    highlights: DeviceHighlights, front: Tensor, back: Tensor, defocus: Tensor
) -> tuple[DeviceHighlights, Tensor, Tensor]:
    """Return those with large discs, and copies of the surfaces with the others' light; see ``return_small``."""
    front, back = front.clone(), back.clone()
    large = defocus[highlights.rows, highlights.columns, highlights.layers].abs() >= LEAST_RADIUS_PX
    on_front = highlights.select(~large & (highlights.layers == 0))
    on_back = highlights.select(~large & (highlights.layers == 1))
    front[on_front.rows, on_front.columns, :3] += on_front.light / front[on_front.rows, on_front.columns, 3:]
    back[on_back.rows, on_back.columns] += on_back.light
    return highlights.select(large), front, back


def scatter_highlights_on_device(
    highlights: DeviceHighlights, layers: DeviceLayers, plan: DeviceRayPlan, output: Tensor
) -> None:
    """Add the highlights' visible discs to ``output`` (H,W,3); see ``scatter_highlights``."""
    s = layers.defocus[highlights.rows, highlights.columns, highlights.layers]
    if len(s) == 0:
        return
    reach = int(s.abs().max() + 1)
    sums = torch.zeros(output.shape, dtype=torch.int64, device=s.device).view(-1, 3)
    for block in torch.arange(len(s), device=s.device).split(max(1, PIXELS_AT_ONCE // (2 * reach + 1) ** 2)):
        pixels, light = _spread(highlights.select(block), s[block], reach, layers, plan)
        sums.index_add_(0, pixels, (light.double() * STEPS_PER_UNIT).round().long())
    output += (sums.double() / STEPS_PER_UNIT).float().view(output.shape)


def _spread(
    highlights: DeviceHighlights, s: Tensor, reach: int, layers: DeviceLayers, plan: DeviceRayPlan
) -> tuple[Tensor, Tensor]:
    """Return flat pixel indices (m,) and the light (m,3) that the discs of signed radius ``s`` (n,) bring there."""
    height, width = layers.defocus.shape[:2]
    y, x = highlights.rows, highlights.columns
    offset = torch.arange(-reach, reach + 1, device=s.device)
    j, i = torch.broadcast_tensors((y[:, None] + offset)[:, :, None], (x[:, None] + offset)[:, None, :])
    distance = torch.hypot(offset[:, None].double(), offset.double()).float()
    inside = (s.abs()[:, None, None] + 0.5 - distance).clamp(max=1.0)
    in_frame = (j >= 0) & (j < height) & (i >= 0) & (i < width)
    tile = j.clamp(0, height - 1) // TILE_PX * plan.counts.shape[1] + i.clamp(0, width - 1) // TILE_PX
    which = (in_frame & (inside > 0) & (plan.lens_of_tile.flatten()[tile] >= 0)).nonzero(as_tuple=True)
    n, j, i = which[0], j[which], i[which]
    u, v = (x[n] - i).float() / s[n], (y[n] - j).float() / s[n]
    number, start = torch.arange(len(n), device=s.device), torch.ones_like(u)
    rays = Rays(number, tile[which], i.float() + 0.5, j.float() + 0.5, u, v, start, torch.full_like(u, math.inf))
    share = inside[which] / (math.pi * s[n].square()) * _transmittance(rays, s[n], layers, plan)
    return j * width + i, share[:, None] * highlights.light[n]


def _transmittance(rays: Rays, s: Tensor, layers: DeviceLayers, plan: DeviceRayPlan) -> Tensor:
    """Return (m,): the share of light that passes everything nearer than signed defocus ``s`` (m,) on its ray."""
    height, width = layers.defocus.shape[:2]
    looks, counts, defocus = plan.looks.flatten(0, 1), plan.counts.flatten(), layers.defocus.view(-1, 2)
    passed = torch.zeros_like(s)
    for k in range(plan.looks.shape[2]):
        low = looks[rays.tile, k]
        arrived = (counts[rays.tile] <= k) | (low < s[rays.number] + LOOK_DEPTH_PX)
        passed[rays.number[arrived]] = rays.light[arrived]
        rays, low = rays.select(~arrived), low[~arrived]
        if len(low) == 0:
            return passed
        pixel = nearest_pixel(*rays.at(low + 0.5 * BIN_PX), height, width)
        front, back = defocus[pixel].unbind(1)
        hit = (front >= low) & (front < low + LOOK_DEPTH_PX) & (front < rays.ceiling)
        light = torch.where(hit, rays.light * (1 - layers.front.view(-1, 4)[pixel, 3]), rays.light)
        light = torch.where((back >= low) & (back < low + LOOK_DEPTH_PX), 0.0, light)
        rays = Rays(
            rays.number, rays.tile, rays.x_half, rays.y_half, rays.u, rays.v, light,
            torch.where(hit, front - LOOK_DEPTH_PX, rays.ceiling),
        ).select(light >= LEAST_LIGHT)  # fmt: skip
    passed[rays.number] = rays.light
    return passed
