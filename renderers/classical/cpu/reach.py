"""Bounds per tile: which depths a lens ray through the tile can meet, and how far away.

A surface with signed defocus s is seen from pixels at most |s| px away. So for each tile of the output only the tiles
within reach of it count, and of those only the defocus that reaches that far.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....core.compiled import compiled
from ..surfaces import FloatArray

TILE_PX = 16
BIN_PX = 0.25
"""Width of a bin of defocus, px: a ray moves at most this far between two looks."""

LOOK_PX = np.float32(2 * BIN_PX)
"""A look at a bin of defocus also takes surfaces of the next nearer one, which a ray may cross between looks, px."""

BINS_A_LOOK = 2
"""That a look reaches into."""

LENS_SAMPLES = (160, 208, 256, 320, 400, 512)
"""Numbers of rays per pixel that there are patterns for."""

SAMPLES_PER_SQUARED_RADIUS = 0.25
"""Rays per pixel: one for each 12.6 px of the disc, at least 160. Of any straight edge's coverage 160 are off by 0.006
(root mean square) and by 0.025 at the worst angle and distance, 256 by 0.004 and 0.02."""


class RayPlan(NamedTuple):
    """Per tile (ty,tx): what its rays look at, and how many rays.

    - ``looks``: (ty,tx,n) float32, lower ends of the bins of defocus, px, near to far; the first ``counts`` are valid.
    - ``lens_of_tile``: (ty,tx) int64, index into LENS_SAMPLES, -1 where only one surface is in reach.
    - ``lowest``: lower end of the first bin of all, px.
    - ``blocks``: (ty+2,tx+2,bins) bool: a look at this bin meets something in tile (ty - 1, tx - 1), the next one to
      its right, or the two below; the border's tiles continue outside the frame.
    """

    looks: FloatArray
    counts: NDArray[np.int32]
    lens_of_tile: NDArray[np.int64]
    lowest: float
    blocks: NDArray[np.bool_]


def bin_range(nearest: float, farthest: float) -> tuple[float, int]:
    """Return the lower end of the first bin and how many hold signed defocus from ``farthest`` to ``nearest``, px.

    One bin is centred on the focus: what is in focus stays sharp.
    """
    lowest = (math.floor(farthest / BIN_PX + 0.5) - 0.5) * BIN_PX
    return lowest, max(1, math.ceil((nearest - lowest) / BIN_PX + 1e-3))


@compiled
def _summarise_tiles(
    defocus: FloatArray, edges: NDArray[np.bool_], lowest: float, bins: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the occupancy (ty,tx,bins) bool by either surface, and whether a tile holds an edge (ty,tx)."""
    height, width = defocus.shape[:2]
    rows, columns = -(-height // TILE_PX), -(-width // TILE_PX)
    occupied = np.zeros((rows, columns, bins), np.bool_)
    has_edge = np.zeros((rows, columns), np.bool_)
    for y in range(height):
        for x in range(width):
            ty, tx = y // TILE_PX, x // TILE_PX
            for layer in range(2):
                if defocus[y, x, layer] > -np.inf:
                    occupied[ty, tx, min(int((defocus[y, x, layer] - lowest) / BIN_PX), bins - 1)] = True
            if edges[y, x]:
                has_edge[ty, tx] = True
    return occupied, has_edge


@compiled
def _gather_reachable(
    occupied: NDArray[np.bool_], has_edge: NDArray[np.bool_], lowest: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Gather for each tile what can be seen from it.

    Returns bins (ty,tx,bins) bool, and whether an edge is in sight (ty,tx): where none is, only one surface is.
    """
    rows, columns, bins = occupied.shape
    seen = np.zeros_like(occupied)
    edge_in_sight = np.zeros_like(has_edge)
    largest = max(abs(lowest), abs(lowest + bins * BIN_PX))
    far = int(largest + 2) // TILE_PX + 1
    for ty in range(rows):
        for tx in range(columns):
            for sy in range(max(ty - far, 0), min(ty + far + 1, rows)):
                for sx in range(max(tx - far, 0), min(tx + far + 1, columns)):
                    gap_y, gap_x = max(abs(sy - ty) - 1, 0) * TILE_PX, max(abs(sx - tx) - 1, 0) * TILE_PX
                    gap = math.sqrt(gap_y * gap_y + gap_x * gap_x) - 2.0
                    for b in range(bins):
                        if occupied[sy, sx, b]:
                            radius = max(abs(lowest + b * BIN_PX), abs(lowest + (b + 1) * BIN_PX))
                            if radius >= gap:
                                seen[ty, tx, b] = True
                                if has_edge[sy, sx]:
                                    edge_in_sight[ty, tx] = True
    return seen, edge_in_sight


def _list_looks(seen: NDArray[np.bool_], lowest: float) -> tuple[FloatArray, NDArray[np.int32]]:
    bins = seen.shape[2]
    order = bins - 1 - np.argsort(~seen[:, :, ::-1], axis=2, kind="stable")
    return (lowest + BIN_PX * order).astype(np.float32), seen.sum(axis=2).astype(np.int32)


def _look_into_blocks(occupied: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ``blocks`` of a plan from the occupancy of tiles (ty,tx,bins) by surfaces."""
    met = occupied.copy()
    for nearer in range(1, BINS_A_LOOK + 1):  # one more than there are, for what lies on a bin's limit
        met[..., :-nearer] |= occupied[..., nearer:]
    met = np.pad(met, ((1, 2), (1, 2), (0, 0)), "edge")
    return met[:-1, :-1] | met[1:, :-1] | met[:-1, 1:] | met[1:, 1:]


def plan_tiles(defocus: FloatArray, edges: NDArray[np.bool_], samples: int | None = None) -> RayPlan:
    """Find what the rays of each tile can meet.

    ``defocus``: (H,W,2) float32, signed px of the front and the back surface (-inf: none); ``edges``: (H,W) bool;
    ``samples``: rays per pixel, None chooses them from each tile's largest radius.
    """
    known = defocus[np.isfinite(defocus)]
    lowest, bins = bin_range(float(known.max()), float(known.min()))
    occupied, has_edge = _summarise_tiles(defocus, edges, lowest, bins)
    seen, edge_in_reach = _gather_reachable(occupied, has_edge, lowest)
    looks, counts = _list_looks(seen, lowest)
    farthest = np.take_along_axis(looks, np.maximum(counts - 1, 0)[..., None], 2)[..., 0]
    radius_px = np.maximum(np.abs(looks[..., 0] + BIN_PX), np.abs(farthest))
    needed = np.full_like(radius_px, samples) if samples else SAMPLES_PER_SQUARED_RADIUS * radius_px**2
    lens_of_tile = np.minimum(np.searchsorted(LENS_SAMPLES, needed), len(LENS_SAMPLES) - 1)
    lens_of_tile[~edge_in_reach] = -1
    return RayPlan(looks, counts, lens_of_tile, lowest, _look_into_blocks(occupied))
