"""The band that hides background, against splatting the whole picture in every step."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bokehbench.renderers.mpib.outlines import find_hiding, find_outlines, walk_uphill


def splat_everything(gradient, start, steps):
    """The definition: every pixel's unit vector is splatted; what was reached before keeps its own."""
    field, reached = (gradient * start).astype(np.float64), start.astype(np.float64)
    height, width = start.shape
    for _ in range(steps):
        field = field / (np.sqrt((field**2).sum(axis=0)) + 1e-10)
        splatted = np.zeros_like(field)
        for y, x in np.argwhere(reached > 0):
            to_x, to_y = x + field[0, y, x], y + field[1, y, x]
            for near_y in (int(np.floor(to_y)), int(np.floor(to_y)) + 1):
                for near_x in (int(np.floor(to_x)), int(np.floor(to_x)) + 1):
                    if 0 <= near_y < height and 0 <= near_x < width:
                        share = (1.0 - abs(to_x - near_x)) * (1.0 - abs(to_y - near_y))
                        splatted[:, near_y, near_x] += field[:, y, x] * share
        field = field * reached + splatted * (1.0 - reached)
        reached = (np.abs(field).sum(axis=0) > 0.0).astype(np.float64)
    return reached > 0.0


def maps():
    draw = torch.Generator().manual_seed(0)
    corners = torch.rand(1, 1, 4, 5, generator=draw)
    y, x = np.mgrid[:32, :40]
    return {
        # Off centre: where walkers meet from all sides alike, rounding decides whether they cancel.
        "disc": ((y - 15.3) ** 2 + (x - 20.2) ** 2 < 90).astype(np.float32),
        "at the border": (x < 7).astype(np.float32),
        "patches": F.interpolate(corners, (32, 40), mode="nearest")[0, 0].numpy(),
        "hills": F.interpolate(corners, (32, 40), mode="bicubic")[0, 0].clamp(0.0, 1.0).numpy(),
        "flat": np.zeros((32, 40), np.float32),
    }


@pytest.mark.parametrize("steps", [0, 1, 6])
@pytest.mark.parametrize("name", maps())
def test_agrees_with_splatting_everything(name, steps):
    gradient, outline = find_outlines(maps()[name])
    assert np.array_equal(walk_uphill(gradient, outline, steps), splat_everything(gradient, outline, steps))


def test_a_band_grows_inwards_by_a_px_a_step():
    """A near square: the band reaches into it, not into what is behind."""
    disparity = np.zeros((64, 64), np.float32)
    disparity[12:52, 12:52] = 1.0
    row = {steps: np.flatnonzero(find_hiding(disparity, steps, 1)[32]) for steps in (0, 8)}
    assert row[0].min() == row[8].min() == 64 - 1 - row[8].max()
    assert 8 <= row[0].min() < 12
    assert set(row[8]) - set(row[0]) == {*range(15, 23), *range(41, 49)}
    assert len(np.flatnonzero(find_hiding(disparity, 0, 5)[32])) == len(row[0]) + 8


def test_what_is_small_or_flat_has_no_outline():
    disparity = np.zeros((240, 320), np.float32)
    disparity[100, 100] = 0.5
    assert not find_outlines(disparity)[1].any()
    disparity[100:140, 100:140] = 0.5
    assert find_outlines(disparity)[1].any()
    assert not find_outlines(np.linspace(0.0, 1.0, 320, dtype=np.float32)[None].repeat(240, axis=0))[1].any()
