"""The data set ``motorcycle``: a focal stack over one photograph with measured disparity, to look at."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import MissingDataError, UnknownNameError
from ..core.scene import Scene
from ..core.text import did_you_mean
from .interface import SceneDataset
from .synthetic.photographs import PHOTOGRAPHS, load_photograph, packaged_file

MAX_RADIUS_PX = 16.0
FOCUS = {"headlamp": 0.97, "front-wheel": 0.83, "floor": 0.5, "bench": 0.25, "wall": 0.04}
"""Focus disparity by scene, near to far; 1 is the nearest point, 0 the farthest."""


class Motorcycle(SceneDataset):
    """Five focus distances, near to far, through the left picture of Middlebury's Motorcycle stereo pair."""

    name = "motorcycle"
    protocol = (
        "measured disparity, scaled to [0, 1] over the picture; holes (7 %) take the farther of the nearest "
        "measured disparities to their left and right in the row; focus at five disparities; largest possible radius "
        f"{MAX_RADIUS_PX:g} px; gamma 2.2; no ground truth"
    )
    terms = (
        f"{PHOTOGRAPHS['motorcycle'].terms} (Nesic, Westling, Wang, Kitajima, Krathwohl, Scharstein), "
        "as shipped by scikit-image"
    )
    scored = False
    version = "1"

    def scene_names(self) -> Sequence[str]:
        """Return the focus distances, near to far."""
        return list(FOCUS)

    def load(self, scene_name: str) -> Scene:
        """Return the picture focused at one distance. Raises UnknownNameError, MissingDataError."""
        if scene_name not in FOCUS:
            hint = did_you_mean(scene_name, FOCUS) or "."
            raise UnknownNameError(f"{self.name} has no scene '{scene_name}'{hint} Known: {', '.join(FOCUS)}")
        image = load_photograph("motorcycle").astype(np.float32) / np.float32(255.0)
        return Scene(
            name=scene_name,
            image=torch.from_numpy(image).permute(2, 0, 1).contiguous(),
            disparity=torch.from_numpy(_load_disparity().copy())[None],
            focus_disparity=FOCUS[scene_name],
            blur_strength=MAX_RADIUS_PX,
            one_of_several=True,
        )

    def cluster(self, scene_name: str) -> str:
        """Return the same unit for all: they are one photograph."""
        return self.name


def fill_holes(disparity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each hole (not finite) in (H,W) the farther of the nearest valid values in its row.

    Holes are what only one of the two cameras saw, which is the background beside a nearer thing. A row without any
    valid value takes that of the nearest row above, or else below.
    """
    valid = np.isfinite(disparity)
    columns = np.arange(disparity.shape[1])
    left = np.maximum.accumulate(np.where(valid, columns, -1), axis=1)
    right = np.minimum.accumulate(np.where(valid, columns, len(columns))[:, ::-1], axis=1)[:, ::-1]
    padded = np.pad(np.where(valid, disparity, np.inf), ((0, 0), (1, 1)), constant_values=np.inf)
    rows = np.arange(disparity.shape[0])[:, None]
    filled = np.minimum(padded[rows, left + 1], padded[rows, right + 1])
    measured = np.flatnonzero(valid.any(axis=1))
    source = measured[np.maximum(np.searchsorted(measured, rows[:, 0], side="right") - 1, 0)]
    return filled[source].astype(np.float32)


@cache
def _load_disparity() -> NDArray[np.float32]:
    """Return the disparity (H,W) float32 without holes, scaled to [0,1]."""
    path: Path = packaged_file("skimage", "data/motorcycle_disp.npz")
    try:
        with np.load(path, allow_pickle=False) as archive:
            disparity = fill_holes(archive["arr_0"])
    except (OSError, ValueError, KeyError) as error:
        raise MissingDataError(f"{path}: cannot read the disparity: {error}: reinstall scikit-image") from error
    return (disparity - disparity.min()) / (disparity.max() - disparity.min())
