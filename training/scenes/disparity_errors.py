"""Random errors of the disparity that a model is given in training, after those that estimated maps have.

API: ``DisparityErrors().apply(disparity, rng)``, and as a ``Degradation`` of samples. The errors themselves are the
robustness sweep's perturbations.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...robustness.perturbations.interface import Map, Perturbation
from ...robustness.perturbations.outlines import BLUR, ERODE, SHIFT
from ...robustness.perturbations.values import NOISE, NOISE_SMOOTH, QUANTISE
from .sample import TrainingSample

RANDOM_STREAM = 104729
"""Keeps the errors' random numbers apart from the scene's own."""


@dataclass(frozen=True, kw_only=True)
class DisparityErrors:
    """How often and how strongly maps are wrong.

    ``share``: of the scenes that have any error. Of these, ``erosion_share`` have their near parts eroded or dilated by
    up to ``erosion_px``, and each of the others happens with the probability ``other_share``, up to: ``shift_px``,
    ``blur_px`` (standard deviation), ``noise`` and ``quantisation`` in % of the range.
    """

    share: float = 0.6
    erosion_share: float = 0.75
    erosion_px: int = 10
    other_share: float = 0.2
    shift_px: float = 3.0
    blur_px: float = 3.0
    noise: float = 4.0
    quantisation: float = 6.0

    def identity(self) -> dict[str, Any]:
        """Return the ranges."""
        return {"errors": dataclasses.asdict(self)}

    def degrade(self, sample: TrainingSample, seed: int) -> TrainingSample:
        """Return the sample with errors in its ``disparity``."""
        rng = np.random.Generator(np.random.PCG64([RANDOM_STREAM, seed, int(sample["index"])]))
        return {**sample, "disparity": torch.from_numpy(self.apply(sample["disparity"][0].numpy(), rng))[None]}

    def apply(self, disparity: Map, rng: np.random.Generator) -> Map:
        """Return the map (H,W) float32 with errors, within the range of the true one."""
        if rng.random() >= self.share:
            return disparity
        wrong = disparity
        if rng.random() < self.erosion_share:
            wrong = _change(ERODE, wrong, float(rng.integers(-self.erosion_px, self.erosion_px + 1)), rng)
        for perturbation, most in (
            (SHIFT, self.shift_px * (1.0 if rng.random() < 0.5 else -1.0)),
            (BLUR, self.blur_px),
            (NOISE, self.noise),
            (NOISE_SMOOTH, self.noise),
            (QUANTISE, self.quantisation),
        ):
            if rng.random() < self.other_share:
                wrong = _change(perturbation, wrong, most * float(rng.random()), rng)
        return np.clip(wrong, disparity.min(), disparity.max()).astype(np.float32)


def _change(perturbation: Perturbation, disparity: Map, severity: float, rng: np.random.Generator) -> Map:
    assert perturbation.change_disparity is not None  # noqa: S101 - as of each that is listed above
    return disparity if severity == 0.0 else perturbation.change_disparity(disparity, severity, rng)
