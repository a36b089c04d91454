"""Scenes for training, made on the fly: what is drawn at random, and what a lens sees of it.

API: ``SyntheticScenes(settings)[index]``, as reproducible as ``random_scenes``.

Source: BokehDiff, Sec. 3.3. The target is ray-traced front to back in linear light; picture and disparity are alpha
composites of the layers.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...core.optics import array_to_display
from .layers import pinhole
from .random_scenes import RandomScenes, SynthesisSettings
from .ray_tracer import trace

FULL_SAMPLING_PX = 32.0


class SyntheticScenes(Dataset[dict[str, Tensor]]):
    """An endless map from index to sample.

    A sample holds ``image`` and ``target`` (3,H,W) float32, display-encoded, [0,1]; ``disparity`` (1,H,W) float32 in
    (0,1), larger = nearer; ``focus_disparity`` and ``blur_strength`` (px per unit of disparity) float32 scalars;
    ``index``. Raises MissingDataError where a folder is absent or empty.
    """

    def __init__(self, settings: SynthesisSettings):
        self.settings = settings
        self._scenes = RandomScenes(settings)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return sample ``index``, >= 0."""
        scene = self._scenes.draw(index)
        image, disparity, _ = pinhole(scene.layers, scene.height, scene.width)
        radius_px = scene.blur_strength * float(np.abs(disparity - scene.focus_disparity).max())
        target = trace(scene, samples=lens_samples(self.settings.lens_samples, radius_px))
        return {
            "image": _displayed(image),
            "target": _displayed(target),
            "disparity": torch.from_numpy(disparity)[None],
            "focus_disparity": torch.tensor(scene.focus_disparity, dtype=torch.float32),
            "blur_strength": torch.tensor(scene.blur_strength, dtype=torch.float32),
            "index": torch.tensor(index),
        }


def lens_samples(most: int, radius_px: float) -> int:
    """Return the rays per pixel of a scene with that largest radius: ``most`` from FULL_SAMPLING_PX on."""
    return math.ceil(most * min(max(radius_px / FULL_SAMPLING_PX, 0.25), 1.0))


def _displayed(linear: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array_to_display(linear).transpose(2, 0, 1)))
