"""The thin lens in pixels, and the display transfer, of tensors on any device. Imports no torch."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

GAMMA = 2.2
"""Of the display transfer of scenes that name none: display = linear ** (1 / GAMMA)."""


def signed_defocus(disparity: "Tensor", focus_disparity: "float | Tensor", blur_strength: "float | Tensor") -> "Tensor":
    """Return the signed radius of the circle of confusion in px, positive in front of the focal plane.

    ``disparity``: any shape, larger = nearer; ``blur_strength``: px per unit of disparity.
    A thin lens of radius a (scene units) with image-plane focal length f_px has the radius
    a * f_px * |1/z - 1/z_focus|, so with disparity = 1/z the blur strength is a * f_px.
    """
    return blur_strength * (disparity - focus_disparity)


def to_linear(image: "Tensor", gamma: float) -> "Tensor":
    """Decode a display-encoded image, [0,inf), to linear light: image ** gamma."""
    return image.clamp(min=0.0).pow_(gamma)


def to_display(linear: "Tensor", gamma: float) -> "Tensor":
    """Encode linear light, [0,inf), for the display: linear ** (1/gamma), clipped to [0,1]."""
    return linear.clamp(0.0, 1.0).pow_(1.0 / gamma)


def array_to_display(linear: NDArray[np.floating], gamma: float = GAMMA) -> NDArray[np.float32]:
    """Do the same with an array of any shape; the result is float32."""
    return (np.clip(linear, 0.0, 1.0) ** (1.0 / gamma)).astype(np.float32)
