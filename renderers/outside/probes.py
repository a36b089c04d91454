"""Three renders of a small card that show a wrong sign or range of disparity, a wrong strength or order of colours."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...core.scene import Scene

SIDE = 64
"""Of the card, px."""

NEAR, FAR = 6.0, 2.0
"""Disparities of the two planes; the near one is in focus. Not 1 and 0, which hide a forgotten scaling."""

NEAR_COLUMNS = 16
DOT = (32, 40)
"""Row and column, on the far plane, in which the picture is not in focus."""

SHARP_DB = 30.0
WEAK_PX, STRONG_PX = 2.0, 6.0
"""Radii of the dot's blur."""

LEAST_GROWTH = 1.6
NARROWEST_PX, WIDEST_PX = 3.7, 5.7
"""Bounds of how the dot's spread grows between the two radii, and of the spread at STRONG_PX.

Between what ``probe(load_renderer(NAME).render)`` gives for lenses and for mistakes. ``classical``,
``classical-occlusion``, ``bokehme``, ``bokehdiff-plus`` and the six of ``programs`` grow by 2.0 to 3.2, to 4.3 to 5.1
px. ``classical`` with the sign turned, with the disparity clipped to [0,1] or divided by 255, or with 1/d for d, grows
by 1.0; with disparity and focus scaled to [0,1] but not the strength by 1.36. With half the radius, or none above 4 px,
the dot reaches 2.4 and 3.1 px; with disparity scaled to [0,1] but not the focus, or the diameter taken for the radius,
6.5 and 8.6 px. ``bokehdiff``, a small latent model, grows by 1.3, to 6.6 px: methods of its kind say so in their INFO.
"""


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
        if not self.strong_px >= LEAST_GROWTH * self.weak_px:
            return (
                f"a dot behind the focus did not grow with the blur: from {self.weak_px:.1f} to"
                f" {self.strong_px:.1f} px for radii of {WEAK_PX:g} and {STRONG_PX:g} px, expected"
                f" {LEAST_GROWTH:g} times as far and more: is larger disparity nearer, in any range?"
            )
        if not NARROWEST_PX <= self.strong_px <= WIDEST_PX:
            return (
                f"a dot behind the focus spreads over {self.strong_px:.1f} px where the radius is {STRONG_PX:g} px,"
                f" expected {NARROWEST_PX:g} to {WIDEST_PX:g}: is the strength a radius, in px per unit of disparity?"
            )
        return None


def probe(render: Callable[[Scene], Tensor]) -> Probe:
    """Render the card without blur, and a dot behind the plane of focus with weak and strong blur.

    ``render`` returns (3,H,W), display-encoded, on the CPU.
    """
    card = make_card(radius_px=0.0)
    error = float((render(card) - card.image).square().mean())
    sharp_db = -10.0 * float(torch.tensor(max(error, 1e-10)).log10())
    dot = torch.full((3, SIDE, SIDE), 0.02)
    dot[:, DOT[0] - 1 : DOT[0] + 2, DOT[1] - 1 : DOT[1] + 2] = 1.0
    return Probe(sharp_db, *(_spread(render(make_card(dot, radius))) for radius in (WEAK_PX, STRONG_PX)))


def make_card(image: Tensor | None = None, radius_px: float = WEAK_PX) -> Scene:
    """Return a picture, ramps of colour where none is given, of two planes: the far one is blurred."""
    if image is None:
        ramp = torch.linspace(0.1, 0.9, SIDE).expand(SIDE, -1)
        image = torch.stack([ramp, ramp.T, 1.0 - ramp])
    disparity = torch.full((1, SIDE, SIDE), FAR)
    disparity[..., :NEAR_COLUMNS] = NEAR
    strength = radius_px / (NEAR - FAR)
    return Scene(
        name="card", image=image, disparity=disparity, focus_disparity=NEAR, blur_strength=strength, f_number=4.0
    )


def _spread(picture: Tensor) -> float:
    """Return the light's root mean square distance to the dot's centre, px, above what lies around it."""
    light = picture.mean(0) ** 2.2
    light = (light - light.median()).clamp(min=0.0)
    rows, columns = torch.meshgrid(torch.arange(SIDE) - DOT[0], torch.arange(SIDE) - DOT[1], indexing="ij")
    total = float(light.sum())
    return float(((rows**2 + columns**2) * light).sum() / total) ** 0.5 if total > 0.0 else 0.0
