"""Keep the input where the lens leaves it sharp: there is nothing to predict, and an autoencoder loses detail."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SOFT_PX = 3
"""Width of the transition, inside the kept area."""

RIM_PX = 1.0
"""How far a disc's soft rim may reach beyond its radius."""


def blend_in_focus(rendered: Tensor, image: Tensor, defocus_px: Tensor, limit_px: float) -> Tensor:
    """Return ``rendered`` with the px of ``image`` that are in focus and that no defocused foreground reaches.

    ``rendered``, ``image``: (B,3,H,W) of one encoding and type. ``defocus_px``: (B,1,H,W), signed radius of the circle
    of confusion in px, positive in front of the focal plane. ``limit_px``: radii below it are in focus, > 0.

    The kept area ends softly over ``SOFT_PX`` px inside itself, as px at its edge mix two surfaces. Farther in, the
    result has the input's bits; outside, those of ``rendered``.
    """
    in_focus = (defocus_px.abs() < limit_px) & ~reached_by_foreground(defocus_px, limit_px)
    return torch.lerp(rendered, image, _soft_inside(in_focus).to(rendered.dtype))


def reached_by_foreground(defocus_px: Tensor, limit_px: float) -> Tensor:
    """Return (B,1,H,W) bool: px inside the disc (radius plus ``RIM_PX``) of any px with ``defocus_px`` >= limit_px.

    Exact: a px p lies in the disc of a px s where r(s)^2 - |p - s|^2 >= 0, and the maximum of that over s is a dilation
    by a parabola, which separates into rows and columns (Felzenszwalb & Huttenlocher 2012). 4 r + 2 passes over the
    map, r the largest radius.
    """
    radius_px = defocus_px + RIM_PX
    height = torch.where(defocus_px >= limit_px, radius_px.square(), -torch.inf)
    reach = math.floor(max(float(radius_px.max()), 0.0))
    return _dilate(_dilate(height, reach, -1), reach, -2) >= 0.0


def _dilate(height: Tensor, reach: int, axis: int) -> Tensor:
    """Return the maximum over k of height(x - k) - k^2 along an axis, -reach <= k <= reach."""
    length, highest = height.shape[axis], height.clone()
    for k in range(1, min(reach, length - 1) + 1):
        lowered, rest = height - k**2, length - k
        for target, source in ((k, 0), (0, k)):
            place = highest.narrow(axis, target, rest)
            torch.maximum(place, lowered.narrow(axis, source, rest), out=place)
    return highest


def _soft_inside(mask: Tensor) -> Tensor:
    """Return 0 outside of a mask, rising inside it with the distance from its edge to 1 at ``SOFT_PX`` px."""
    margin = SOFT_PX // 2
    eroded = -F.max_pool2d(-mask.float(), SOFT_PX, stride=1, padding=margin)
    return F.avg_pool2d(F.pad(eroded, [margin] * 4, mode="replicate"), SOFT_PX, stride=1)
