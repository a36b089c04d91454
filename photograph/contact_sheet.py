"""A contact sheet: the photograph, and what each renderer makes of it, with names and times."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..core.errors import BokehBenchError
from ..core.progress import ProgressBar
from ..core.scene import Scene
from ..renderers.registry import RENDERERS
from .request import SHAPED, Look, make_renderer
from .writing import to_levels

LONGEST_PX = 480
"""Of a picture on the sheet; it is rendered at that size."""

MARGIN_PX, LABEL_PX, FONT_PX = 12, 28, 16
PAPER, INK = (250, 250, 250), (20, 20, 20)


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture (H,W,3) uint8 and what stands above it."""

    label: str
    levels: NDArray[np.uint8]


def names_for_sheet() -> list[str]:
    """Return every renderer by name that needs neither minutes nor a folder, the unblurred input aside."""
    return [name for name, entry in RENDERERS.entries.items() if not entry.slow and name != "identity"]


def say_who_is_slow() -> list[str]:
    """Return a line for each renderer that is not on a sheet because it needs minutes: how slow, and how to have it."""
    slow = {name: entry.slow for name, entry in RENDERERS.entries.items() if entry.slow}
    return [f"{name}: {why}: --renderer {name} renders with it alone" for name, why in slow.items()]


def render_tiles(scene: Scene, names: Sequence[str], look: Look, device: str) -> tuple[list[Tile], list[str]]:
    """Render a small scene with each renderer; return the tiles, the input first, and a line for each that cannot.

    ``look`` is that of the renderer SHAPED alone.
    """
    tiles, lacking = [Tile("input", to_levels(scene.image.clamp(max=1.0), 8))], []
    for name in ProgressBar(names, unit="renderer", disable=None):
        try:
            renderer = make_renderer(name, look if name == SHAPED else Look())
            renderer.fetch()
            renderer.prepare(device if device.partition(":")[0] in renderer.capabilities.devices else "cpu")
            start = time.perf_counter()
            picture = renderer.render(scene).cpu()
            seconds = time.perf_counter() - start
            guesses = "" if "focus" in renderer.capabilities.inputs else ", focus guessed"
            tiles.append(Tile(f"{name}   {seconds:.2g} s{guesses}", to_levels(picture, 8)))
        except BokehBenchError as error:
            lacking.append(f"{name}: {error}")
    return tiles, lacking


def lay_out(tiles: Sequence[Tile]) -> NDArray[np.uint8]:
    """Return the sheet (H,W,3) uint8: rows of tiles, all of one size, about as wide as high."""
    height, width = tiles[0].levels.shape[:2]
    columns = min(len(tiles), max(1, round(math.sqrt(len(tiles) * (height + LABEL_PX) / width * 4 / 3))))
    rows = math.ceil(len(tiles) / columns)
    step_x, step_y = width + MARGIN_PX, height + LABEL_PX + MARGIN_PX
    sheet = Image.new("RGB", (columns * step_x + MARGIN_PX, rows * step_y + MARGIN_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_PX)
    for place, tile in enumerate(tiles):
        left, top = MARGIN_PX + place % columns * step_x, MARGIN_PX + place // columns * step_y
        draw.text((left, top), tile.label, INK, font)
        sheet.paste(Image.fromarray(tile.levels), (left, top + LABEL_PX))
    return np.array(sheet)
