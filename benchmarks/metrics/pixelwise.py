"""PSNR over the whole image and over the parts where bokeh renderers differ. All need no weights."""

import math
from pathlib import Path

import torch
from torch import Tensor

from ...renderers.interface import Scene
from .depth_edges import depth_edge_band
from .image_pair import image_pair
from .interface import Metric

PSNR_CAP_DB = 100.0
"""The PSNR of identical images, and the most any pair gets: JSON and means have no place for infinity."""

FOCUS_RADIUS_PX = 1.0
"""A pixel counts as in focus while its circle of confusion is smaller than a pixel is wide to each side."""


class Psnr(Metric):
    """10 log10(1 / mean squared error) over all pixels and the three channels, in dB, at most ``PSNR_CAP_DB``."""

    name = "psnr"
    unit = "dB"
    higher_is_better = True
    description = "PSNR over all RGB values in [0,1], 8-bit, display-encoded; identical images get 100 dB"

    def __init__(self) -> None:
        self._device = torch.device("cpu")

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        """Choose the device. ``weights`` is not used."""
        self._device = torch.device(device)

    def score(self, prediction: Tensor, scene: Scene) -> float | None:
        """Return the PSNR in dB; None where the scene has no pixel that the metric looks at."""
        image, target = image_pair(prediction, scene, self._device)
        squared_error = (image - target).square_().mean(dim=0)
        region = self._region(scene)
        if region is None:
            error = float(squared_error.mean())
        else:
            pixels = int(region.sum())
            if pixels == 0:
                return None
            error = float((squared_error * region).sum()) / pixels
        return PSNR_CAP_DB if error == 0.0 else min(-10.0 * math.log10(error), PSNR_CAP_DB)

    def _region(self, scene: Scene) -> Tensor | None:
        """Return the pixels to compare, (H,W) bool; None for all of them."""
        return None


class FocusPsnr(Psnr):
    """PSNR where the scene is sharp: does the renderer leave the subject alone?"""

    name = "psnr-focus"
    description = "PSNR over the pixels whose true blur radius is below 1 px; none where nothing is in focus"

    def _region(self, scene: Scene) -> Tensor:
        return scene.defocus[0].to(self._device).abs() < FOCUS_RADIUS_PX


class EdgePsnr(Psnr):
    """PSNR around depth edges: are occlusion and partial occlusion right?"""

    name = "psnr-edge"
    description = (
        "PSNR over the pixels within one blur radius of a depth edge, a jump of over 2 px in the true blur radius;"
        " none where there is no edge"
    )

    def _region(self, scene: Scene) -> Tensor:
        return depth_edge_band(scene.defocus.to(self._device))
