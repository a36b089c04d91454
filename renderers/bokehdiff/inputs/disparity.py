"""Disparity as PISA's rays need it."""

import torch
from torch import Tensor


def normalise_disparity(disparity: Tensor, margin: float) -> Tensor:
    """Map each picture's disparity (B,1,H,W) affinely from its range to [margin, 1 - margin], in float32.

    PISA's rays need disparity in (0,1), 1 being the lens. Only order and ratios of the scene's own differences survive,
    which is all that a predicted disparity has; circles of confusion come from defocus in px instead. A constant
    disparity becomes 1/2.
    """
    disparity = disparity.float()
    low, high = disparity.amin((1, 2, 3), keepdim=True), disparity.amax((1, 2, 3), keepdim=True)
    share = torch.where(high > low, (disparity - low) / (high - low).clamp(min=1e-30), 0.5)
    return margin + (1.0 - 2.0 * margin) * share
