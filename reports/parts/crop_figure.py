"""A figure of crops for a paper: one scene, the places where renders differ most, every renderer beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from .figures import STYLE, shorten
from .places import Place

CROP_PX = 64
ROWS = 2
WIDTH_INCHES = 7.0
"""Of a page of two columns."""

FRAMES = ("#d55e00", "#56b4e9")


@dataclass(frozen=True)
class LabelledPicture:
    """A picture of the scene, what it is, and a line below it."""

    name: str
    note: str
    path: Path


def draw_crops(overview: Path, pictures: Sequence[LabelledPicture], places: Sequence[Place]) -> Figure:
    """Draw the scene with a frame at each of up to two ``places``, and a row of crops for each, pixel by pixel.

    Every picture has the size of ``overview``. A crop is 64 px wide, less in a smaller picture, and inside it.
    """
    shown = list(places[:ROWS]) or [Place(0.5, 0.5, 0.0)]
    whole = _read(overview)
    height, width = whole.shape[:2]
    side = min(CROP_PX, height, width)
    columns = len(pictures)
    crop_inches = (WIDTH_INCHES - 1.5) / columns
    with mpl.rc_context(STYLE | {"pdf.fonttype": 42, "font.size": 7}):
        figure = Figure(figsize=(WIDTH_INCHES, len(shown) * crop_inches + 0.45), layout="constrained")
        grid = figure.add_gridspec(len(shown), columns + 1, width_ratios=[1.5 / crop_inches, *[1.0] * columns])
        axes = figure.add_subplot(grid[:, 0])
        axes.imshow(whole)
        axes.set_axis_off()
        for row, place in enumerate(shown):
            left, top = _corner(place.x, width, side), _corner(place.y, height, side)
            axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=FRAMES[row], linewidth=1.0))
            for column, picture in enumerate(pictures):
                cell = figure.add_subplot(grid[row, column + 1])
                cell.imshow(_read(picture.path)[top : top + side, left : left + side], interpolation="nearest")
                cell.set(xticks=[], yticks=[])
                cell.grid(visible=False)
                for spine in cell.spines.values():
                    spine.set(visible=True, color=FRAMES[row], linewidth=1.0)
                if row == 0:
                    cell.set_title(shorten(picture.name), fontsize=6)
                if row == len(shown) - 1 and picture.note:
                    cell.set_xlabel(picture.note, fontsize=6)
    return figure


def _corner(centre: float, size: int, side: int) -> int:
    return min(size - side, max(0, round(centre * size - side / 2)))


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
