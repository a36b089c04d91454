"""A scene's lens on the scale of MPIB's planes, and the disc that each plane gets."""

from dataclasses import dataclass

from ...core.scene import Scene, find_range

PLANES = 32
"""Number of planes, equal slices of the disparities [0,1]; the first is the farthest."""

LARGEST_RADIUS_PX = 200
"""The published program has no larger disc."""


@dataclass(frozen=True)
class Lens:
    """A scene's lens on the scale on which its disparity fills [0,1]; defocus in px is the same on both.

    ``low``, ``high``: the scene's disparities that become 0 and 1; ``focus``: the one in focus, on that scale, which
    may lie outside it; ``strength``: px of radius per unit of it.
    """

    low: float
    high: float
    focus: float
    strength: float

    @property
    def radii_px(self) -> list[int]:
        """The radius of each plane, whole px, farthest plane first, measured from the end of its slice.

        So the plane that holds the focus has 0, and no radius is that of the slice's middle: up to strength / 64 less.
        """
        centres = [(plane + 0.5) / PLANES for plane in range(PLANES)]
        return [round(max(abs(centre - self.focus) - 0.5 / PLANES, 0.0) * self.strength) for centre in centres]

    @property
    def largest_px(self) -> float:
        """What must not exceed LARGEST_RADIUS_PX: the strength, and the radius of any plane."""
        return max(self.strength, *self.radii_px)


def fit_lens(scene: Scene) -> Lens:
    """Return the lens of a scene.

    In a map of one value the focus is the other end of the scale, so that the map keeps its defocus.
    """
    low, high = find_range(scene.disparity)
    if low == high:
        low, high = min(low, scene.focus_disparity), max(high, scene.focus_disparity)
    span = high - low or 1.0
    return Lens(low, low + span, (scene.focus_disparity - low) / span, scene.blur_strength * span)
