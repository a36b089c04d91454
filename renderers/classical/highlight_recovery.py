"""What a camera clipped at white: guessed before the blur, taken back after it.

A lamp in a photograph is as white as a sheet of paper. Blurred, it is a grey spot unless the light that was cut off is
put back. Both curves act on a pixel's brightest channel and scale the others with it, so that hues stay; the second is
the inverse of the first, so that what is evenly bright, or sharp, stays what it was.
"""

import torch
from torch import Tensor

KNEE = 0.5
"""Linear light below which nothing changes: 73 % of a display's white."""


def recover_highlights(linear: Tensor, white: float) -> Tensor:
    """Return light that rises from KNEE on, up to ``white`` where the picture is white.

    ``linear``: (3,H,W), linear light, [0,1]; ``white``: >= 1, how much brighter than white its highlights were. With x
    the excess over KNEE and X its largest value, x becomes x / (1 - c x / X), whose slope is 1 at the knee.
    """
    brightest = linear.amax(0, keepdim=True)
    excess, most, bend = (brightest - KNEE).clamp(min=0.0), 1.0 - KNEE, _bend(white)
    return linear * _ratio(brightest, excess, excess / (1.0 - bend * excess / most))


def compress_highlights(light: Tensor, white: float) -> Tensor:
    """Return ``recover_highlights``'s argument for its result: (3,H,W), linear light, [0,white]."""
    brightest = light.amax(0, keepdim=True)
    excess, most, bend = (brightest - KNEE).clamp(min=0.0), 1.0 - KNEE, _bend(white)
    return light * _ratio(brightest, excess, excess / (1.0 + bend * excess / most))


def _bend(white: float) -> float:
    return 1.0 - (1.0 - KNEE) / (white - KNEE)


def _ratio(brightest: Tensor, excess: Tensor, becomes: Tensor) -> Tensor:
    return torch.where(excess > 0.0, (KNEE + becomes) / brightest.clamp(min=KNEE), torch.ones_like(excess))
