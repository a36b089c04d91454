"""Samples whose picture is a poor one of the same scene, for models that clean what they blur.

API: ``LowQuality()``, a ``Degradation`` of samples. What is poor about pictures is the data sets' own: digital zoom and
Real-ESRGAN's two rounds.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch

from ...core.checks import Within, check, check_fields
from ...datasets.low_quality.real_esrgan import degrade
from ...datasets.low_quality.steps import Picture
from ...datasets.low_quality.zoom import zoom
from .sample import TrainingSample

RANDOM_STREAM = 15485863
"""Keeps these random numbers apart from the scene's own."""

TWO_ROUNDS_SCALE = 4.0


@dataclass(frozen=True, kw_only=True)
class LowQuality:
    """How often and how strongly pictures are poor.

    ``clean``: share of pictures that stay as they are; ``two_rounds``: of those that go through Real-ESRGAN's rounds;
    the rest are zoomed into by ``factors``, evenly in their logarithm.
    """

    clean: Annotated[float, Within(0.0, 1.0)] = 0.12
    two_rounds: Annotated[float, Within(0.0, 1.0)] = 0.13
    factors: Annotated[tuple[float, float], Within(1.0, 16.0)] = (1.3, 8.0)

    def __post_init__(self) -> None:
        check_fields(self, "low_quality.")
        check("low_quality.two_rounds", self.two_rounds, self.clean + self.two_rounds <= 1.0, "at most 1 with clean")

    def identity(self) -> dict[str, Any]:
        """Return shares and factors."""
        return {"low_quality": dataclasses.asdict(self)}

    def degrade(self, sample: TrainingSample, seed: int) -> TrainingSample:
        """Return the sample with a poor ``image``."""
        rng = np.random.Generator(np.random.PCG64([RANDOM_STREAM, seed, int(sample["index"])]))
        picture = np.ascontiguousarray(sample["image"].permute(1, 2, 0).numpy())
        poor = np.ascontiguousarray(self.apply(picture, rng).transpose(2, 0, 1))
        return {**sample, "image": torch.from_numpy(poor)}

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the picture (H,W,3) as it is, or a poor one of it."""
        kind = rng.random()
        if kind < self.clean:
            return picture
        if kind < self.clean + self.two_rounds:
            return degrade(picture, TWO_ROUNDS_SCALE, rng)
        low, high = map(math.log, self.factors)
        return zoom(picture, math.exp(rng.uniform(low, high)), rng)
