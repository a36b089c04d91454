"""What ``refine`` did to maps: the share of wrong pixels that it repaired, of right ones that it spoilt.

A pixel is wrong where the blur radius that follows from its disparity is off by more than ``WRONG_PX``. Maps are
corrected again here, from what a run keeps of them in 16 bits and of pictures in 8.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..benchmarks.run.schema import SceneRecord
from ..core.files import read_image, read_map
from ..renderers.refine.correction import correct
from .wrong_band import WRONG_PX

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Repair:
    """Shares in [0,1]: of all pixels ``wrong`` before and ``left`` wrong after; of the wrong ones ``repaired``, of the
    right ones ``spoilt``. None where there are none to take a share of.
    """

    wrong: float | None
    left: float | None
    repaired: float | None
    spoilt: float | None


@dataclass(frozen=True, eq=False)
class RepairedMap:
    """A map as given, corrected and true, (H,W) float32 each, from 0 (the farthest of the true map) to 1."""

    given: Map
    corrected: Map
    true: Map
    repair: Repair


@dataclass(frozen=True)
class StoredMap:
    """Where a run keeps a picture, the map that was given with it, and the true map.

    ``blur_px``: the difference of blur radius between the ends of the true map.
    """

    picture: Path
    given: Path
    true: Path
    blur_px: float

    def correct(self) -> RepairedMap:
        """Correct the map and judge it. Raises OSError where a file cannot be read."""
        image = np.ascontiguousarray(read_image(self.picture).permute(1, 2, 0).numpy())
        given, true = (read_map(path).astype(np.float32) for path in (self.given, self.true))
        corrected = correct(image, given).disparity
        wrong, left = (np.abs(one - true) * self.blur_px > WRONG_PX for one in (given, corrected))
        return RepairedMap(given, corrected, true, judge(wrong, left))


@lru_cache(maxsize=4096)
def judge_stored(stored: StoredMap) -> Repair:
    """Return what correcting a map does to it, and keep only that: perturbations share maps, and maps are large."""
    return stored.correct().repair


def judge(wrong: NDArray[np.bool_], left: NDArray[np.bool_]) -> Repair:
    """Compare which pixels are wrong before and after."""
    return Repair(_share(wrong), _share(left), _share(~left[wrong]), _share(left[~wrong]))


def average(repairs: list[Repair]) -> Repair:
    """Return the mean of each share over the scenes that have it."""
    columns = {one.name: [getattr(repair, one.name) for repair in repairs] for one in fields(Repair)}
    known = {name: [share for share in shares if share is not None] for name, shares in columns.items()}
    return Repair(**{name: float(np.mean(shares)) if shares else None for name, shares in known.items()})


def blur_range_px(record: SceneRecord) -> float:
    """Return the difference of blur radius between the farthest and the nearest of a scene's true map."""
    low, high = record["disparity_range"]
    return float(record["blur_strength"] * record.get("scale", 1) * (high - low))


def _share(mask: NDArray[np.bool_]) -> float | None:
    return float(mask.mean()) if mask.size else None
