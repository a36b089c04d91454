"""From a recipe and its seed to a layered scene: a photograph as background, cut-outs before it, a lens.

Source: BokehDiff, Sec. 3.3: cut-outs over a photograph, each layer a randomly tilted plane, focus on the mean disparity
of one of them.
"""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InvalidSceneError
from ...core.optics import GAMMA
from .canvas import Colour
from .layers import Layer, LayeredScene, Plane, pinhole
from .photographs import cover
from .sources import PACKAGED, SceneSources

BACKGROUND = -1
BACKGROUND_TINTS: dict[str, Colour] = {
    "brick": (0.86, 0.62, 0.52),
    "grass": (0.62, 0.80, 0.36),
    "gravel": (0.80, 0.74, 0.66),
}
"""Colours for the photographs that ship in grey."""

LIGHT_COLOURS: tuple[Colour, ...] = ((1.0, 0.85, 0.55), (1.0, 0.62, 0.30), (0.75, 0.88, 1.0), (1.0, 0.40, 0.35))
NIGHT_EXPOSURE = 0.07
"""Of a night's background. Training's nights are brighter (0.1, see ``random_scenes``). Nothing demands that the two
differ, but recorded scores hold for these pictures.
"""

MIN_VISIBLE_PX = 64.0
"""Of the layer in focus."""


@dataclass(frozen=True, kw_only=True)
class SceneRecipe:
    """All that decides a scene: equal recipes give equal pictures.

    ``cutouts``: kinds, front to back. ``focus``: index into them, or BACKGROUND. ``max_radius_px``: largest radius of
    the circle of confusion in the picture. ``lights``: how many small lights hang in the background, which gets dark.
    """

    name: str
    seed: int
    background: str
    cutouts: tuple[str, ...]
    focus: int
    max_radius_px: float
    lights: int = 0
    height: int = 384
    width: int = 384


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a texture lies: its size and top left corner in px of the frame, and its plane."""

    what: str
    seed: int
    height: int
    width: int
    top: int
    left: int
    plane: Plane


def draw_placements(recipe: SceneRecipe) -> list[Placement]:
    """Draw sizes, places and planes from the recipe's seed, front to back, the background last. Paints nothing.

    Uses basic arithmetic only, so that every processor draws the same numbers.
    """
    rng = np.random.Generator(np.random.PCG64(recipe.seed))
    margin = math.ceil(1.3 * recipe.max_radius_px) + 8
    placements = []
    for index, kind in enumerate(recipe.cutouts):
        height, width, top, left = _draw_box(kind, recipe, margin, rng)
        disparity = 0.85 - 0.5 * index / max(len(recipe.cutouts), 2) - 0.06 * rng.random()
        tilt = 0.1 if len(recipe.cutouts) == 1 else 0.04
        plane = _draw_plane(recipe, disparity, tilt, rng)
        placements.append(
            Placement(
                what=kind, seed=int(rng.integers(2**31)), height=height, width=width, top=top, left=left, plane=plane
            )
        )
    plane = _draw_plane(recipe, 0.12 + 0.08 * rng.random(), 0.04, rng)
    size = (recipe.height + 2 * margin, recipe.width + 2 * margin)
    placements.append(
        Placement(
            what=recipe.background,
            seed=int(rng.integers(2**31)),
            height=size[0],
            width=size[1],
            top=-margin,
            left=-margin,
            plane=plane,
        )
    )
    return placements


def compose(recipe: SceneRecipe, sources: SceneSources = PACKAGED) -> LayeredScene:
    """Paint the recipe's layers out of ``sources`` and set the lens.

    The focus disparity is the mean over the focused layer's visible part; the blur strength makes the largest radius
    in the picture equal to the recipe's. Raises InvalidSceneError where the focused layer is hidden by others.
    """
    layers: list[Layer] = []
    for placement in draw_placements(recipe):
        rng = np.random.Generator(np.random.PCG64(placement.seed))
        if len(layers) < len(recipe.cutouts):
            rgba = sources.cutout(placement.what, placement.height, placement.width, rng)
        else:
            photograph = sources.photograph(recipe.background)
            rgba = _paint_background(photograph, recipe, placement.height, placement.width, rng)
        layers.append(Layer(rgba, placement.top, placement.left, placement.plane))
    _, disparity, shares = pinhole(layers, recipe.height, recipe.width)
    x, y = np.meshgrid(np.arange(recipe.width, dtype=np.float64), np.arange(recipe.height, dtype=np.float64))
    share = shares[recipe.focus]
    if float(share.sum()) < MIN_VISIBLE_PX:
        raise InvalidSceneError(f"scene '{recipe.name}': layer {recipe.focus} is to be in focus, but it is hidden")
    focus_disparity = float((share * layers[recipe.focus].plane.disparity(x, y)).sum() / share.sum())
    blur_strength = recipe.max_radius_px / float(np.abs(disparity - focus_disparity).max())
    return LayeredScene(layers, recipe.height, recipe.width, focus_disparity, blur_strength)


def recipe_hash(recipe: SceneRecipe) -> str:
    """Return a hash of the recipe and everything that is drawn from it before painting."""
    content: dict[str, Any] = {
        "recipe": dataclasses.asdict(recipe),
        "placements": [dataclasses.asdict(placement) for placement in draw_placements(recipe)],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _draw_box(kind: str, recipe: SceneRecipe, margin: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return height, width, top, left. What is cut off below goes on under the frame, where the lens still sees it."""
    rows, columns = recipe.height, recipe.width
    crowded = len(recipe.cutouts) > 1
    if kind == "wire":
        return rows + 2 * margin, columns + 2 * margin, -margin, -margin
    if kind == "lettering":
        height, width = int((0.55 + 0.2 * rng.random()) * rows), int((0.75 + 0.2 * rng.random()) * columns)
        return height, width, int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    visible = int((0.62 + 0.13 * rng.random() if crowded else 0.78 + 0.14 * rng.random()) * rows)
    height = visible + (margin if kind != "glass" else int(rng.integers(6, 20)))
    widths = {"hair": 0.95 * visible, "fur": 0.92 * visible, "foliage": 1.4 * columns, "glass": 0.55 * visible}
    drift = (rng.random() - 0.5) * (0.75 if crowded and kind != "foliage" else 0.3)
    box_width = widths.get(kind, float(visible))
    return height, int(box_width), rows - visible, int(columns * (0.5 + drift) - box_width / 2)


def _draw_plane(recipe: SceneRecipe, disparity: float, tilt: float, rng: np.random.Generator) -> Plane:
    """Return a plane whose disparity changes by at most ``tilt`` over the frame along each axis."""
    slope_x = tilt * (2.0 * rng.random() - 1.0) / recipe.width
    slope_y = tilt * (2.0 * rng.random() - 1.0) / recipe.height
    return Plane.through(recipe.width / 2, recipe.height / 2, disparity, slope_x, slope_y)


def _paint_background(
    photograph: NDArray[np.uint8], recipe: SceneRecipe, height: int, width: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    piece = cover(photograph, height, width, (float(rng.random()), float(rng.random())))
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    exposure = NIGHT_EXPOSURE if recipe.lights else 0.8 + 0.2 * rng.random()
    tint = np.array(BACKGROUND_TINTS.get(recipe.background, (1.0, 1.0, 1.0))) ** GAMMA
    colour = (piece / 255.0) ** GAMMA * tint * exposure
    for _ in range(recipe.lights):
        add_light(colour, rng)
    return np.concatenate([colour, np.ones((height, width, 1))], axis=2).astype(np.float32)


def add_light(colour: NDArray[np.floating], rng: np.random.Generator) -> None:
    """Lay a small bright disc with a smooth edge over a linear picture (h,w,3), in place."""
    radius = 1.5 + 2.5 * rng.random()
    x, y = rng.random() * colour.shape[1], rng.random() * colour.shape[0]
    light = np.array(LIGHT_COLOURS[rng.integers(len(LIGHT_COLOURS))]) ** GAMMA
    reach = radius + 1.0
    top, left = max(0, int(y - reach)), max(0, int(x - reach))
    near = colour[top : math.ceil(y + reach) + 1, left : math.ceil(x + reach) + 1]
    rows, columns = np.ogrid[top : top + near.shape[0], left : left + near.shape[1]]
    cover_share = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0.0, 1.0)[..., None]
    near += cover_share * (light - near)
