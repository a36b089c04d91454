"""The shape of a lens's opening: its blades, how they are turned, how the barrel cuts it towards the border."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InvalidOptionError
from ...core.text import unknown_name

SHAPES = {
    "round": 0,
    **{name: 3 + i for i, name in enumerate(("triangle", "square", "pentagon", "hexagon", "heptagon", "octagon"))},
}
"""Blades by name; 0 is a circle."""

MOST_BLADES = 30
SHARP_PX = 0.5
"""A spot of this radius lies inside its own pixel: what is smaller stays where it is."""

FEW_SUBROWS, SUBROWS, SMALL_PX = 2, 4, 8.0
"""Lines at which a spot is sampled in each row of pixels; spots below SMALL_PX have SUBROWS."""


@dataclass(frozen=True, kw_only=True)
class Aperture:
    """An opening whose corners, or whose circle, have the radius 1: blur radii are those of the circle around it.

    - ``blades``: corners of a regular polygon, 0 for a circle.
    - ``rotation_deg``: anticlockwise; 0 has a corner at the top. So it is seen behind the focal plane; in front of it
      every spot is turned by half a turn, as a lens does.
    - ``cat_eye``: 0 to 1, how far towards the picture's centre the barrel's circle has moved at the picture's corners,
      in radii of the opening; in proportion to the distance from the centre elsewhere. What lies outside it is cut off.

    Raises InvalidOptionError.
    """

    blades: int = 0
    rotation_deg: float = 0.0
    cat_eye: float = 0.0

    def __post_init__(self) -> None:
        if self.blades != 0 and not 3 <= self.blades <= MOST_BLADES:
            raise InvalidOptionError(f"aperture: expected 0 (round) or 3 to {MOST_BLADES} blades, got {self.blades}")
        if not math.isfinite(self.rotation_deg):
            raise InvalidOptionError(f"rotation: expected degrees, got {self.rotation_deg}")
        if not 0.0 <= self.cat_eye <= 1.0:
            raise InvalidOptionError(f"cat-eye: expected 0 to 1, got {self.cat_eye:g}")

    @property
    def is_round(self) -> bool:
        """Whether it is a circle everywhere in the picture."""
        return self.blades == 0 and self.cat_eye == 0.0

    @property
    def edges(self) -> NDArray[np.float64]:
        """Return (blades,3): n_x, n_y (y down) and distance of each straight edge, the opening n.u <= distance."""
        turn = 2.0 * math.pi / max(self.blades, 1)
        angles = math.pi / 2 + math.radians(self.rotation_deg) + turn * (np.arange(self.blades) + 0.5)
        return np.stack([np.cos(angles), -np.sin(angles), np.full(self.blades, math.cos(0.5 * turn))], axis=1).astype(
            np.float64
        )


def parse_blades(text: str) -> int:
    """Return the blades of ``round``, ``hexagon`` and the like, or of a number. Raises InvalidOptionError."""
    if text.isdecimal():
        return Aperture(blades=int(text)).blades
    if text not in SHAPES:
        raise InvalidOptionError(f"{unknown_name('aperture', text, SHAPES)}, or a number of blades")
    return SHAPES[text]
