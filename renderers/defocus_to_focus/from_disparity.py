"""Normalised defocus of a scene whose disparity is known: what the layers show when nothing is guessed."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .layering import Layering

JUMP_PX = 2.0
"""A change of the blur radius over this much within REACH_PX is an edge between surfaces."""

REACH_PX = 2


def separate_surfaces(defocus_px: Tensor) -> Tensor:
    """Give each pixel at an edge between surfaces the defocus of the one that it is nearer to.

    Soft edges are mixtures of both in a map, and their mean would be a depth at which there is nothing.
    ``defocus_px``: (1,1,H,W), signed.
    """
    window = 2 * REACH_PX + 1
    near = F.max_pool2d(defocus_px, window, stride=1, padding=REACH_PX)
    far = -F.max_pool2d(-defocus_px, window, stride=1, padding=REACH_PX)
    nearest = torch.where(near - defocus_px <= defocus_px - far, near, far)
    return torch.where(near - far > JUMP_PX, nearest, defocus_px)


def halvings_for(largest_px: float, layering: Layering) -> int:
    """Return how often a picture must be halved for its largest radius to fit the last layer."""
    return max(0, math.ceil(math.log2(max(largest_px, 1e-6) / layering.blur_px[-1])))
