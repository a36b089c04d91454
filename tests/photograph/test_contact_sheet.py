"""The sheet: every tile whole and in its place."""

import numpy as np
import torch

from bokehbench.core.scene import Scene
from bokehbench.photograph.contact_sheet import (
    LABEL_PX,
    MARGIN_PX,
    Tile,
    lay_out,
    names_for_sheet,
    render_tiles,
    say_who_is_slow,
)
from bokehbench.photograph.request import Look
from bokehbench.renderers.registry import RENDERERS


def test_tiles_lie_row_by_row_below_their_labels():
    tiles = [Tile(f"tile {k}", np.full((30, 50, 3), 20 * k, np.uint8)) for k in range(5)]
    sheet = lay_out(tiles)
    corner = sheet[MARGIN_PX + LABEL_PX : MARGIN_PX + LABEL_PX + 30, MARGIN_PX : MARGIN_PX + 50]
    assert (corner == 0).all()
    assert all((sheet == 20 * k).all(axis=2).sum() >= 1500 for k in range(5))


def test_what_is_brighter_than_white_is_white_on_it():
    light = Scene(
        name="lamp",
        image=torch.full((3, 8, 8), 1.5),
        disparity=torch.zeros(1, 8, 8),
        focus_disparity=0.0,
        blur_strength=0.0,
    )
    tiles, _ = render_tiles(light, [], Look(), "cpu")
    assert (tiles[0].levels == 255).all()


def test_who_is_not_given_the_focus_is_marked():
    scene = Scene(
        name="grey",
        image=torch.full((3, 8, 8), 0.5),
        disparity=torch.rand(1, 8, 8),
        focus_disparity=0.5,
        blur_strength=1.0,
    )
    tiles, _ = render_tiles(scene, ["classical", "centre-focus"], Look(), "cpu")
    assert [tile.label.endswith(" s, focus guessed") for tile in tiles] == [False, False, True]


def test_what_takes_minutes_is_not_on_it():
    names = names_for_sheet()
    assert {"classical", "bokehdiff"} <= set(names)
    assert not {"identity", "bokehdiff-no-coc"} & set(names)
    assert {name for name, entry in RENDERERS.entries.items() if entry.slow} == {"bokehdiff-no-coc"}
    assert say_who_is_slow() == [
        "bokehdiff-no-coc: minutes a picture on a CPU: --renderer bokehdiff-no-coc renders with it alone"
    ]
