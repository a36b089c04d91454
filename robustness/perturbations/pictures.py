"""Pictures of low quality, at the size of the clean ones; severity 1 is the clean picture.

In the perturbations called ``-both`` the disparity is that of a low-quality picture, too: at 1/severity of its
resolution. The picture is the same in both.
"""

import dataclasses

import numpy as np

from ...datasets.low_quality.real_esrgan import degrade
from ...datasets.low_quality.zoom import drop_resolution, zoom
from .interface import Map, Perturbation

LARGEST = 16.0
"""Of 512 px 32 are left."""


def lose_resolution(disparity: Map, factor: float, rng: np.random.Generator) -> Map:
    """Average the map over ``factor`` x ``factor`` px and enlarge it bilinearly."""
    return drop_resolution(disparity, factor)


ZOOM = Perturbation(
    name="zoom",
    unit="times",
    severities=(1, 1.5, 2, 3, 4, 6, 8),
    change_picture=zoom,
    neutral=1.0,
    maximum=LARGEST,
    marks=(4.0, 8.0),
)
ZOOM_BOTH = dataclasses.replace(ZOOM, name="zoom-both", change_disparity=lose_resolution)
DEGRADE = Perturbation(
    name="degrade", unit="times", severities=(1, 4), change_picture=degrade, neutral=1.0, maximum=LARGEST
)
DEGRADE_BOTH = dataclasses.replace(DEGRADE, name="degrade-both", change_disparity=lose_resolution)
