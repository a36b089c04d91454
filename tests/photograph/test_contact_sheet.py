"""The sheet: every tile whole and in its place."""

import numpy as np

from bokehbench.photograph.contact_sheet import LABEL_PX, MARGIN_PX, Tile, lay_out, names_for_sheet


def test_tiles_lie_row_by_row_below_their_labels():
    tiles = [Tile(f"tile {k}", np.full((30, 50, 3), 20 * k, np.uint8)) for k in range(5)]
    sheet = lay_out(tiles)
    corner = sheet[MARGIN_PX + LABEL_PX : MARGIN_PX + LABEL_PX + 30, MARGIN_PX : MARGIN_PX + 50]
    assert (corner == 0).all()
    assert all((sheet == 20 * k).all(axis=2).sum() >= 1500 for k in range(5))


def test_what_takes_minutes_is_not_on_it():
    names = names_for_sheet()
    assert {"classical", "bokehdiff"} <= set(names)
    assert not {"identity", "bokehdiff-no-coc"} & set(names)
