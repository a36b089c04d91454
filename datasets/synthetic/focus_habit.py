"""Where people focus and how far the rest is blurred, as a rule: what a renderer that is given a picture alone learns.

Neither can be read off a picture. A method that guesses both guesses a habit, so training and judgement need the same
one, and it has to be written down: this is part of such a model as its weights are.

Source: no paper states its own. The numbers are chosen after EBB!'s look: one subject, near, in the middle.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...core.checks import Within, check, check_fields


@dataclass(frozen=True, kw_only=True)
class FocusHabit:
    """The rule. Shares are of the picture's area or of its height.

    - The subject is in focus: a cut-out that covers between ``area`` of the picture and whose centre lies within
      the middle ``middle`` of its width and height. Of several, the nearest, which is also the largest.
    - ``background``: share of scenes in which the background is in focus, behind a cut-out that is small and lies at
      the border.
    - The largest radius in the picture is between ``radius`` of its height.
    """

    area: Annotated[tuple[float, float], Within(0.0, 1.0)] = (0.05, 0.5)
    middle: Annotated[float, Within(0.0, 1.0)] = 0.6
    background: Annotated[float, Within(0.0, 1.0)] = 0.1
    radius: Annotated[tuple[float, float], Within(0.0, 0.2)] = (0.024, 0.036)

    def __post_init__(self) -> None:
        check_fields(self, "habit.")
        for name in ("area", "radius"):
            low, high = getattr(self, name)
            check(f"habit.{name}", (low, high), low <= high, "the smaller number first")

    def takes_as_subject(self, share: NDArray[np.floating]) -> bool:
        """Whether a layer with this visible share, (H,W) in [0,1], is a subject."""
        area = float(share.mean())
        if not self.area[0] <= area <= self.area[1]:
            return False
        return all(abs(place - 0.5) <= self.middle / 2.0 for place in centre_of(share))


def centre_of(share: NDArray[np.floating]) -> tuple[float, float]:
    """Return how far down and across the centre of a layer's visible share (H,W) lies, in [0,1]. It is not empty."""
    height, width = share.shape
    total = float(share.sum())
    down = float((share.sum(axis=1) * (np.arange(height) + 0.5)).sum()) / total / height
    across = float((share.sum(axis=0) * (np.arange(width) + 0.5)).sum()) / total / width
    return down, across
