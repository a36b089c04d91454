"""The defocus as the networks are given it: |d - focus| K / 32 with disparity in [0,1], K a radius in px."""

import torch
from torch import Tensor

from ....core.scene import Scene

LARGEST_RADIUS_PX = 32.0
"""The largest K, and so the largest radius, that the networks were trained with; a condition of 1.

That K is a radius in px of the picture is inferred from the 512 px that it was trained at; no text says so.
"""

SHARP = 0.1
"""Largest condition that counts as in focus for the attention: radii of 3.2 px, whatever the lens."""

LEVELS = 255


def condition_of(scene: Scene, quantise: bool) -> Tensor:
    """Return the condition (1,H,W) float32: 0 in focus, 1 at LARGEST_RADIUS_PX of radius.

    ``quantise``: cut disparity and focus to 8 bits over the map's range, as the authors' program does.
    """
    if not quantise:
        return _radius_px(scene) / LARGEST_RADIUS_PX
    disparity = scene.disparity.double()
    low, high = disparity.min(), disparity.max()
    span = (high - low).clamp(min=torch.finfo(torch.float32).tiny)
    levels = ((disparity - low) / span * LEVELS).floor()
    focus = ((scene.focus_disparity - low) / span * LEVELS).floor()
    return ((levels - focus).abs() / LEVELS * (span * scene.blur_strength / LARGEST_RADIUS_PX)).float()


def largest_radius_px(scene: Scene) -> float:
    """Return the radius of a scene's largest disc in px."""
    return float(_radius_px(scene).max())


def _radius_px(scene: Scene) -> Tensor:
    return ((scene.disparity - scene.focus_disparity) * scene.blur_strength).abs()
