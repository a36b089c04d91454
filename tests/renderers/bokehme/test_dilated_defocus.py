"""Runs against looking at every disc from every pixel."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehbench.renderers.bokehme.dilated_defocus import dilate_defocus


def look_at_every_disc(defocus_px: Tensor) -> Tensor:
    whole = torch.trunc(defocus_px)
    y, x = torch.meshgrid(*map(torch.arange, defocus_px.shape), indexing="ij")
    dilated = whole.clone()
    for row, column in zip(y.flatten().tolist(), x.flatten().tolist(), strict=True):
        reached = (y - row) ** 2 + (x - column) ** 2 <= float(defocus_px[row, column].double() ** 2)
        dilated = torch.where(reached, torch.maximum(dilated, whole[row, column]), dilated)
    return dilated


def maps() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    noise = torch.rand(17, 23, generator=draw) - 0.5
    x = torch.linspace(-1.0, 1.0, 23).expand(17, 23)
    corners = noise[:3, :4][None, None]
    return {
        "noise": 20.0 * noise,
        "faint noise": 3.0 * noise,
        "larger than the picture": 200.0 * noise,
        "slope": 9.0 * x,
        "slope, diagonal": 5.0 * (x + x.T[: x.shape[0], :1].mean() + torch.linspace(-1.0, 1.0, 17)[:, None]),
        "planes": 14.0 * F.interpolate(corners, (17, 23), mode="nearest")[0, 0],
        "hills": 30.0 * F.interpolate(corners, (17, 23), mode="bilinear")[0, 0],
        "in front": torch.full((17, 23), 4.5),
        "behind": torch.full((17, 23), -4.5),
        "in focus": torch.zeros(17, 23),
        "one pixel": torch.full((1, 1), 2.5),
    }


@pytest.mark.parametrize("name", maps())
def test_agrees_with_every_disc(name):
    assert torch.equal(dilate_defocus(maps()[name]), look_at_every_disc(maps()[name]))
