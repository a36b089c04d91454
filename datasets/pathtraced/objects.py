"""What a scene is made of. Lengths are scene units; the camera sits at the origin and looks along +z.

Convention: ``at`` = (across, down, depth): across and down are in units of half the frame's width at that depth, from
its centre, so that (0, 0, z) is the middle of the picture whatever z is; sizes are in the same unit at that depth.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HALF_WIDTH = 0.36
"""Half of the frame's width at depth 1: the tangent of half the field of view."""


@dataclass(frozen=True, eq=False)
class Card:
    """A textured rectangle, cut out where ``alpha`` (h,w) in [0,1] says so. Tilts in degrees about x and y, then z."""

    texture: NDArray[np.uint8]
    at: tuple[float, float, float]
    size: tuple[float, float]
    tilt: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Ball:
    """A textured sphere."""

    texture: NDArray[np.uint8]
    at: tuple[float, float, float]
    radius: float


@dataclass(frozen=True)
class Rod:
    """A thin cylinder of one colour between two points."""

    colour: tuple[float, float, float]
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float
    """In units of half the frame's width at the start's depth."""


@dataclass(frozen=True)
class Lamp:
    """A small sphere that shines: ``radiance`` over 1 makes a highlight that a display clips."""

    radiance: tuple[float, float, float]
    at: tuple[float, float, float]
    radius: float


@dataclass(frozen=True, eq=False)
class Panel:
    """An opaque rectangle that shines as ``radiance`` (h,w,3) float32 says and reflects nothing. Tilts as of Card."""

    radiance: NDArray[np.float32]
    at: tuple[float, float, float]
    size: tuple[float, float]
    tilt: tuple[float, float, float] = (0.0, 0.0, 0.0)


Thing = Card | Ball | Rod | Lamp | Panel


@dataclass(frozen=True)
class TracedScene:
    """A scene and its two focus distances (front, back)."""

    kind: str
    seed: int
    focus_depths: tuple[float, float]
    objects: list[Thing] = field(default_factory=list)
    effort: int = 1
    """Paths per pixel are multiplied by this: small lamps in wide discs are found by few of them."""
