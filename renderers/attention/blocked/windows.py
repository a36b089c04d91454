"""Tokens cut into tiles, each with the window of tokens that its pairs can reach.

API: ``cut_tiles(geometry, reach_px, anchors_are_keys) -> list[WindowBlock]``; ``pair_tiles.PairTiles`` runs attention
on them.

An anchor tile holds the tokens that own a normaliser: keys where PISA normalises over queries, queries where the
ordinary softmax normalises over keys. Its window holds every partner within reach. Tiles of equal shape are stacked in
blocks, so that a block is one batched matrix product.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..geometry import TokenGeometry

TILE = 8
"""Tokens along the side of a tile: small tiles waste fewer pairs, large ones gather fewer rows."""

BLOCK_PAIRS = 400_000
"""Pairs in a block (of all its heads together): what stays in a core's cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowBlock:
    """T tiles of n anchors with windows of m partners. Row numbers count the tokens of all pictures, b * N + token.

    - ``anchors`` (T,n), ``windows`` (T,m): row numbers, int64.
    - ``touched`` (U,): the rows that occur in ``windows``, ascending; the entries of touched[u] among the T*m of
      ``windows`` are order[offsets[u]:offsets[u+1]], so that sums over windows are in a fixed order on every device.
    """

    anchors: Tensor
    windows: Tensor
    touched: Tensor
    order: Tensor
    offsets: Tensor

    @property
    def pairs(self) -> int:
        """T * n * m."""
        return self.anchors.numel() * self.windows.shape[1]


def cut_tiles(geometry: TokenGeometry, reach_px: Tensor, anchors_are_keys: bool) -> list[WindowBlock]:
    """Cut the grid into tiles whose windows hold every pair closer than the key's reach, ``reach_px`` (B,N) >= 0.

    Windows are rectangles within the grid, a little larger than needed so that fewer shapes occur.
    """
    boxes = _reach_boxes(geometry, reach_px)
    tiles = _list_tiles(geometry, boxes, anchors_are_keys)
    shapes, group = np.unique(tiles[:, [2, 4, 6, 8]], axis=0, return_inverse=True)
    blocks = []
    for number, shape in enumerate(shapes):
        members = tiles[group.reshape(-1) == number]
        stacked = max(1, BLOCK_PAIRS // int(shape.prod()))
        blocks += [_make_block(geometry, members[i : i + stacked]) for i in range(0, len(members), stacked)]
    return blocks


def _reach_boxes(geometry: TokenGeometry, reach_px: Tensor) -> np.ndarray:
    """Return the box that each key reaches in tokens, (4,B,height,width): first row, end row, first and end column."""
    reach = reach_px.cpu().numpy().reshape(geometry.batch, geometry.height, geometry.width)
    boxes = []
    for axis, size in enumerate((geometry.height, geometry.width)):
        place = np.arange(size).reshape((-1, 1) if axis == 0 else (1, -1))
        halo = np.minimum(reach / geometry.pitch_px[axis] + 1e-6, size).astype(np.int64)
        boxes += [np.maximum(place - halo, 0), np.minimum(place + halo + 1, size)]
    return np.stack(boxes)


def _list_tiles(geometry: TokenGeometry, boxes: np.ndarray, anchors_are_keys: bool) -> np.ndarray:
    """Return one row per tile: picture, then (first, count) of its rows, its columns, its window's rows and columns."""
    tiles = []
    for picture in range(geometry.batch):
        for y in range(0, geometry.height, TILE):
            rows = min(TILE, geometry.height - y)
            for x in range(0, geometry.width, TILE):
                columns = min(TILE, geometry.width - x)
                if anchors_are_keys:
                    box = boxes[:, picture, y : y + rows, x : x + columns]
                    window = (box[0].min(), box[1].max(), box[2].min(), box[3].max())
                else:
                    window = _reaching_keys(boxes[:, picture], y, y + rows, x, x + columns)
                window_rows = _round_span(window[0], window[1], geometry.height)
                window_columns = _round_span(window[2], window[3], geometry.width)
                tiles.append((picture, y, rows, x, columns, *window_rows, *window_columns))
    return np.array(tiles, dtype=np.int64)


def _reaching_keys(boxes: np.ndarray, top: int, bottom: int, left: int, right: int) -> tuple[int, int, int, int]:
    """Return the smallest box that holds every key whose own box meets a tile of queries."""
    meets = (boxes[0] < bottom) & (boxes[1] > top) & (boxes[2] < right) & (boxes[3] > left)
    rows, columns = np.flatnonzero(meets.any(axis=1)), np.flatnonzero(meets.any(axis=0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def _round_span(first: int, end: int, size: int) -> tuple[int, int]:
    """Return (first, count) of a span at least as long, of a rounded length, within 0..size."""
    step = 2 if end - first <= 20 else 4
    count = min(-(-(end - first) // step) * step, size)
    return min(first, size - count), count


def _make_block(geometry: TokenGeometry, members: np.ndarray) -> WindowBlock:
    anchors = _row_numbers(geometry, members[:, 0], *members[:, 1:5].T)
    windows = _row_numbers(geometry, members[:, 0], *members[:, 5:9].T)
    order = np.argsort(windows.reshape(-1), kind="stable")
    touched, offsets = np.unique(windows.reshape(-1)[order], return_index=True)
    tensors = (torch.from_numpy(x).to(geometry.device) for x in (anchors, windows, touched, order, offsets))
    return WindowBlock(**dict(zip(("anchors", "windows", "touched", "order", "offsets"), tensors, strict=True)))


def _row_numbers(
    geometry: TokenGeometry, picture: np.ndarray, y: np.ndarray, rows: np.ndarray, x: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Number the tokens of rectangles of one shape, (T,rows*columns)."""
    row = y[:, None, None] + np.arange(rows[0])[:, None]
    column = x[:, None, None] + np.arange(columns[0])
    numbers = picture[:, None, None] * geometry.tokens + row * geometry.width + column
    return numbers.reshape(len(picture), -1)
