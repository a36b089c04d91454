"""Two renders of a small card that show a wrong sign of disparity, a wrong range, a wrong order of colours."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...core.scene import Scene

SIDE = 64
"""Of the card, px."""

NEAR_COLUMNS = 16
DOT = (32, 40)
"""Row and column, on the far plane, in which the picture is not in focus."""

SHARP_DB = 30.0
WEAK_PX, STRONG_PX = 2.0, 6.0
"""Radii of the dot's blur: under a lens its spread grows by the factor 2.7."""

LEAST_GROWTH = 1.5


@dataclass(frozen=True)
class Probe:
    """What came of the card: PSNR at blur strength 0, spread of the dot in px at two strengths."""

    sharp_db: float
    weak_px: float
    strong_px: float

    def __str__(self) -> str:
        return f"card {self.sharp_db:.1f} dB, dot {self.weak_px:.1f} to {self.strong_px:.1f} px"

    @property
    def fault(self) -> str | None:
        """What no lens does, in words; None where all is well."""
        if not self.sharp_db >= SHARP_DB:
            return f"at blur strength 0 the card came back at {self.sharp_db:.1f} dB, expected {SHARP_DB:g} and more"
        if not self.strong_px > LEAST_GROWTH * self.weak_px:
            radii = f"from {WEAK_PX:g} to {STRONG_PX:g} px"
            return (
                f"a dot behind the focus did not grow with the blur, {radii}: {self.weak_px:.1f} to"
                f" {self.strong_px:.1f} px: is larger disparity nearer?"
            )
        return None


def probe(render: Callable[[Scene], Tensor]) -> Probe:
    """Render the card without blur, and a dot behind the plane of focus with weak and strong blur.

    ``render`` returns (3,H,W), display-encoded, on the CPU.
    """
    card = make_card(blur_strength=0.0)
    error = float((render(card) - card.image).square().mean())
    sharp_db = -10.0 * float(torch.tensor(max(error, 1e-10)).log10())
    dot = torch.full((3, SIDE, SIDE), 0.02)
    dot[:, DOT[0] - 1 : DOT[0] + 2, DOT[1] - 1 : DOT[1] + 2] = 1.0
    return Probe(sharp_db, *(_spread(render(make_card(dot, radius))) for radius in (WEAK_PX, STRONG_PX)))


def make_card(image: Tensor | None = None, blur_strength: float = WEAK_PX) -> Scene:
    """Return a picture, ramps of colour where none is given, over two planes: the near one is in focus."""
    if image is None:
        ramp = torch.linspace(0.1, 0.9, SIDE).expand(SIDE, -1)
        image = torch.stack([ramp, ramp.T, 1.0 - ramp])
    disparity = torch.zeros(1, SIDE, SIDE)
    disparity[..., :NEAR_COLUMNS] = 1.0
    return Scene(
        name="card", image=image, disparity=disparity, focus_disparity=1.0, blur_strength=blur_strength, f_number=4.0
    )


def _spread(picture: Tensor) -> float:
    """Return the light's root mean square distance to the dot's centre, px, above what lies around it."""
    light = picture.mean(0) ** 2.2
    light = (light - light.median()).clamp(min=0.0)
    rows, columns = torch.meshgrid(torch.arange(SIDE) - DOT[0], torch.arange(SIDE) - DOT[1], indexing="ij")
    total = float(light.sum())
    return float(((rows**2 + columns**2) * light).sum() / total) ** 0.5 if total > 0.0 else 0.0
