"""Which part of a crop no light from beyond it reaches, against every pair of px."""

import torch

from bokehbench.renderers.bokehdiff.training.latent_stage import find_known

PITCH_PX = 4


def test_every_circle_that_reaches_in_is_found():
    radius_px = torch.rand(1, 20, 24, generator=torch.Generator().manual_seed(0)) ** 4 * 30.0
    top, left, side = 4, 8, 12
    known = find_known(radius_px, PITCH_PX, top, left, side)
    inside = torch.zeros(20, 24, dtype=torch.bool)
    inside[top : top + side, left : left + side] = True
    for y, x in inside.nonzero().tolist():
        rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(24.0), indexing="ij")
        distance = torch.maximum((rows - y).abs(), (columns - x).abs())  # circles count as squares
        reached = (~inside & (PITCH_PX * (distance - 1) < radius_px[0])).any()
        assert bool(known[0, y - top, x - left]) != bool(reached), (y, x)


def test_the_edge_of_the_picture_lets_no_light_in():
    assert find_known(torch.full((1, 8, 8), 16.0), PITCH_PX, 0, 0, 8).all()


def test_what_is_in_focus_reaches_nowhere():
    assert find_known(torch.zeros(1, 8, 8), PITCH_PX, 2, 2, 4).all()
