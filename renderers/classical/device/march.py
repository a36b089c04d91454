"""``march`` on any device, in plain PyTorch: the same rays, a block of tiles at a time, one look of all rays at once.

Rays that have used up their light leave the block after each look. Nothing is added by atomics, so the same machine
gives the same bits. It runs on CPU tensors as well (slowly), which is how it is tested without a GPU.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..cpu.march import HALF, INTERPOLATED_WITHIN_PX, LITTLE_LIGHT, LOOK_PX, vogel_disc
from ..cpu.reach import BIN_PX, LENS_SAMPLES, TILE_PX
from .reach import DeviceRayPlan

RAYS_AT_ONCE = 1 << 22
"""Bounds the memory of a block: about 150 bytes per ray."""

LOOK_DEPTH_PX, LEAST_LIGHT, HALF_PX, HALF_BIN = float(LOOK_PX), float(LITTLE_LIGHT), float(HALF), 0.5 * BIN_PX
INTERPOLATED_WITHIN = float(INTERPOLATED_WITHIN_PX)


@dataclass(frozen=True, eq=False)
class DeviceLayers:
    """What rays meet, on one device: ``front`` (H,W,4), ``back`` (H,W,3), ``defocus`` (H,W,2), as for ``march_tiles``.

    ``same_px``: defocus closer than this is one surface.
    """

    front: Tensor
    back: Tensor
    defocus: Tensor
    same_px: float


@dataclass(frozen=True, eq=False)
class Rays:
    """Rays under way, each (n,): where they started, half a pixel more; where they cross the lens; what is left.

    ``number``: index into the block's rays; ``tile``: flat index of the tile they started in; ``ceiling``: what is
    nearer than this defocus, px, has been met.
    """

    number: Tensor
    tile: Tensor
    x_half: Tensor
    y_half: Tensor
    u: Tensor
    v: Tensor
    light: Tensor
    ceiling: Tensor

    def select(self, which: Tensor) -> "Rays":
        """Return some of them; ``which``: (n,) bool or indices."""
        return Rays(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))

    def at(self, defocus: Tensor) -> tuple[Tensor, Tensor]:
        """Return x and y, half a pixel more, where the rays are at signed ``defocus`` (n,), px."""
        return self.x_half + self.u * defocus, self.y_half + self.v * defocus


def march_on_device(layers: DeviceLayers, plan: DeviceRayPlan, output: Tensor) -> None:
    """Render into ``output`` (H,W,3) the tiles that ``plan`` gives a lens pattern; see ``march_tiles``."""
    height, width = output.shape[:2]
    for pixels, tiles, samples in _blocks(plan, height, width):
        rays = _start(pixels, tiles, samples, width)
        sums = torch.zeros(len(rays.number), 4, device=output.device)
        _follow(rays, layers, plan, sums)
        total = sums.view(len(pixels), samples, 4).sum(dim=1)
        itself = layers.front.view(-1, 4)[pixels, :3]
        output.view(-1, 3)[pixels] = torch.where(total[:, 3:] > 0, total[:, :3] / total[:, 3:], itself)


def _blocks(plan: DeviceRayPlan, height: int, width: int) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Yield flat pixel indices and their tiles' (n,) int64, and the number of their rays: one pattern a block."""
    device, columns = plan.looks.device, plan.looks.shape[1]
    inner = torch.arange(TILE_PX, device=device)
    for pattern, samples in enumerate(LENS_SAMPLES):
        tiles = (plan.lens_of_tile == pattern).flatten().nonzero()[:, 0]
        for block in tiles.split(max(1, RAYS_AT_ONCE // (samples * TILE_PX * TILE_PX))):
            if len(block):
                y = (block // columns * TILE_PX)[:, None, None] + inner[:, None]
                x = (block % columns * TILE_PX)[:, None, None] + inner
                inside = (y < height) & (x < width)
                yield (y * width + x)[inside], block[:, None, None].expand_as(inside)[inside], samples


def _start(pixels: Tensor, tiles: Tensor, samples: int, width: int) -> Rays:
    """Return a ray per pixel and point of the lens pattern, pixel by pixel."""
    lens = torch.from_numpy(vogel_disc(samples)).to(pixels.device)
    x, y = (pixels % width)[:, None], (pixels // width)[:, None]
    u, v = lens[:, 0].expand(len(pixels), -1), lens[:, 1].expand(len(pixels), -1)
    number = torch.arange(u.numel(), device=pixels.device)
    x_half, y_half = ((c.float() + HALF_PX).expand_as(u).flatten() for c in (x, y))
    tile = tiles[:, None].expand_as(u).flatten()
    light = torch.ones_like(x_half)
    return Rays(number, tile, x_half, y_half, u.flatten(), v.flatten(), light, torch.full_like(light, math.inf))


def _follow(rays: Rays, layers: DeviceLayers, plan: DeviceRayPlan, sums: Tensor) -> None:
    """March all rays from near to far; add the light they meet, times its weight, and the weight to ``sums`` (n,4)."""
    height, width = layers.defocus.shape[:2]
    looks, counts, defocus = plan.looks.flatten(0, 1), plan.counts.flatten(), layers.defocus.view(-1, 2)
    for k in range(int(counts[rays.tile.unique()].max())):
        rays = rays.select(counts[rays.tile] > k)
        if len(rays.number) == 0:
            return
        low = looks[rays.tile, k]
        pixel = nearest_pixel(*rays.at(low + HALF_BIN), height, width)
        front, back = defocus[pixel].unbind(1)
        hit = ((front >= low) & (front < low + LOOK_DEPTH_PX) & (front < rays.ceiling)).nonzero()[:, 0]
        _meet_fronts(rays, hit, front[hit], layers, sums)
        finished = rays.light < LEAST_LIGHT
        seen = (~finished & (back >= low) & (back < low + LOOK_DEPTH_PX)).nonzero()[:, 0]
        meeting = rays.select(seen)
        weight = meeting.light * is_inside(*meeting.at(back[seen]), height, width)
        colour = layers.back.view(-1, 3)[pixel[seen]]
        sums[meeting.number] += weight[:, None] * torch.cat([colour, torch.ones_like(weight)[:, None]], dim=1)
        finished[seen] = True
        rays = rays.select(~finished)


def _meet_fronts(rays: Rays, hit: Tensor, d: Tensor, layers: DeviceLayers, sums: Tensor) -> None:
    """Let the rays ``hit`` (m,) meet front surfaces at signed defocus ``d`` (m,): changes their light and ceiling."""
    height, width = layers.defocus.shape[:2]
    meeting = rays.select(hit)
    pixel = nearest_pixel(*meeting.at(d), height, width)
    e, coverage = layers.defocus.view(-1, 2)[pixel, 0], layers.front.view(-1, 4)[pixel, 3]
    met = (((e - d).abs() < layers.same_px) & (coverage > 0)).nonzero()[:, 0]
    meeting, hit = meeting.select(met), hit[met]
    pixel, e, d, coverage = pixel[met], e[met], d[met], coverage[met]
    x, y = meeting.at(e)
    colour = layers.front.view(-1, 4)[pixel, :3]
    colour = _interpolate(*meeting.at(_interpolation_scale(e) * e), e, layers, colour)
    weight = meeting.light * coverage
    seen = weight * is_inside(x, y, height, width)
    sums[meeting.number] += seen[:, None] * torch.cat([colour, torch.ones_like(seen)[:, None]], dim=1)
    rays.light[hit] = meeting.light - weight
    rays.ceiling[hit] = d - LOOK_DEPTH_PX


def _interpolation_scale(e: Tensor) -> Tensor:
    """Return (m,); see ``interpolation_scale``."""
    radius = e.abs()
    beyond = (1 - (2.0 / 3.0) / radius.clamp(min=INTERPOLATED_WITHIN).square()).sqrt()
    return torch.where(radius < INTERPOLATED_WITHIN, 3.0 * math.pi / 16.0 * radius, beyond)


def _interpolate(x_half: Tensor, y_half: Tensor, e: Tensor, layers: DeviceLayers, nearest: Tensor) -> Tensor:
    """Return (m,3): the front, bilinear among neighbours of the surface at defocus e (m,), else ``nearest``."""
    height, width = layers.defocus.shape[:2]
    x, y = (x_half - HALF_PX).clamp(0, width - 1), (y_half - HALF_PX).clamp(0, height - 1)
    x0, y0 = x.long(), y.long()
    fx, fy = x - x0, y - y0
    sums = torch.zeros(len(x), 4, device=x.device)
    for j in range(2):
        for i in range(2):
            pixel = (y0 + j).clamp(max=height - 1) * width + (x0 + i).clamp(max=width - 1)
            neighbour = layers.front.view(-1, 4)[pixel]
            same = (layers.defocus.view(-1, 2)[pixel, 0] - e).abs() < layers.same_px
            weight = same * (fy if j else 1 - fy) * (fx if i else 1 - fx) * neighbour[:, 3]
            sums += weight[:, None] * torch.cat([neighbour[:, :3], torch.ones_like(weight)[:, None]], dim=1)
    return torch.where(sums[:, 3:] > LEAST_LIGHT, sums[:, :3] / sums[:, 3:], nearest)


def nearest_pixel(x_half: Tensor, y_half: Tensor, height: int, width: int) -> Tensor:
    """Return the flat index of the pixel at (x, y), half a pixel more; see ``nearest_index``."""
    return y_half.clamp(0, height - HALF_PX).long() * width + x_half.clamp(0, width - HALF_PX).long()


def is_inside(x_half: Tensor, y_half: Tensor, height: int, width: int) -> Tensor:
    """Return whether (x, y), half a pixel more, lies in the frame."""
    return (x_half >= 0) & (x_half < width) & (y_half >= 0) & (y_half < height)
