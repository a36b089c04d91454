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

from ..cpu.march import HALF, LITTLE_LIGHT, bin_shifts, vogel_disc
from ..cpu.reach import BIN_PX, LENS_SAMPLES, LOOK_PX, TILE_PX
from .reach import DeviceRayPlan

RAYS_AT_ONCE = 1 << 22
"""Bounds the memory of a block: about 150 bytes per ray."""

LOOK_DEPTH_PX, LEAST_LIGHT, HALF_PX = float(LOOK_PX), float(LITTLE_LIGHT), float(HALF)


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

    def round_at(self, radius_px: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same, whole pixels from where the rays started, where their bundle has ``radius_px`` (n,)."""
        return (
            self.x_half + (self.u * radius_px + HALF_PX).floor(),
            self.y_half + (self.v * radius_px + HALF_PX).floor(),
        )


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
    nearest_px, colour_px = (torch.from_numpy(radii).to(sums.device) for radii in bin_shifts(plan.lowest, plan.bins))
    for k in range(int(counts[rays.tile.unique()].max())):
        rays = rays.select(counts[rays.tile] > k)
        if len(rays.number) == 0:
            return
        low = looks[rays.tile, k]
        high, end = low + BIN_PX, low + LOOK_DEPTH_PX
        depth_bin = ((low.double() - plan.lowest) / BIN_PX + 0.5).long()
        x, y = rays.round_at(nearest_px[depth_bin])
        pixel = nearest_pixel(x, y, height, width)
        front, back = defocus[pixel].unbind(1)
        before = defocus[nearest_pixel(*rays.round_at(nearest_px[depth_bin + 1]), height, width), 0]
        reached = (front < high) | ((before < high) & (front < before + layers.same_px))
        hit = ((front >= low) & (front < end) & (front < rays.ceiling) & reached).nonzero()[:, 0]
        inside = is_inside(x, y, height, width)
        _meet_fronts(rays, hit, pixel, inside, colour_px[depth_bin], layers, sums)
        finished = rays.light < LEAST_LIGHT
        seen = (~finished & (back >= low) & (back < end)).nonzero()[:, 0]
        weight = rays.light[seen] * inside[seen]
        _add(sums, rays.number[seen], weight, layers.back.view(-1, 3)[pixel[seen]])
        finished[seen] = True
        rays = rays.select(~finished)


def _add(sums: Tensor, number: Tensor, weight: Tensor, colour: Tensor) -> None:
    """Add ``weight`` (m,) times ``colour`` (m,3), and itself, to the sums of rays ``number`` (m,), each there once."""
    sums[number] += weight[:, None] * torch.cat([colour, torch.ones_like(weight)[:, None]], dim=1)


def _meet_fronts(
    rays: Rays, hit: Tensor, pixel: Tensor, inside: Tensor, colour_px: Tensor, layers: DeviceLayers, sums: Tensor
) -> None:
    """Let the rays ``hit`` (m,) meet the front surfaces at ``pixel`` (n,): changes their light and ceiling."""
    meeting, pixel = rays.select(hit), pixel[hit]
    d, coverage = layers.defocus.view(-1, 2)[pixel, 0], layers.front.view(-1, 4)[pixel, 3]
    nearest = layers.front.view(-1, 4)[pixel, :3]
    weight = meeting.light * coverage
    _add(sums, meeting.number, weight * inside[hit], _interpolate(meeting, colour_px[hit], d, layers, nearest))
    rays.light[hit] = meeting.light - weight
    rays.ceiling[hit] = d - LOOK_DEPTH_PX


def _interpolate(rays: Rays, colour_px: Tensor, d: Tensor, layers: DeviceLayers, nearest: Tensor) -> Tensor:
    """Return (m,3): the front, bilinear among neighbours of the surface at defocus d (m,), else ``nearest``."""
    height, width = layers.defocus.shape[:2]
    right, down = rays.u * colour_px, rays.v * colour_px
    left, upper = right.floor(), down.floor()
    fx, fy = right - left, down - upper
    sums = torch.zeros(len(d), 4, device=d.device)
    for j in range(2):
        for i in range(2):
            x, y = rays.x_half + left + i, rays.y_half + upper + j
            pixel = nearest_pixel(x, y, height, width)
            neighbour, e = layers.front.view(-1, 4)[pixel], layers.defocus.view(-1, 2)[pixel, 0]
            same = (d - layers.same_px < e) & (e < d + layers.same_px) & is_inside(x, y, height, width)
            weight = same * ((fy if j else 1 - fy) * (fx if i else 1 - fx)) * neighbour[:, 3]
            sums += weight[:, None] * torch.cat([neighbour[:, :3], torch.ones_like(weight)[:, None]], dim=1)
    return torch.where(sums[:, 3:] > LEAST_LIGHT, sums[:, :3] / sums[:, 3:], nearest)


def nearest_pixel(x_half: Tensor, y_half: Tensor, height: int, width: int) -> Tensor:
    """Return the flat index of the pixel at (x, y), half a pixel more; see ``nearest_index``."""
    return y_half.clamp(0, height - HALF_PX).long() * width + x_half.clamp(0, width - HALF_PX).long()


def is_inside(x_half: Tensor, y_half: Tensor, height: int, width: int) -> Tensor:
    """Return whether (x, y), half a pixel more, lies in the frame."""
    return (x_half >= 0) & (x_half < width) & (y_half >= 0) & (y_half < height)
