"""Samples as a model is given them: with errors in the disparity, with a base renderer's picture.

API: ``DegradedScenes(scenes, [DisparityErrors(), BasePicture("classical")], seed)``, each degradation seeing what the
one before it left. Anything with the two methods of ``Degradation`` is one.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

from torch.utils.data import Dataset

from ...datasets.synthetic.random_scenes import SynthesisSettings
from .sample import TrainingSample


class Degradation(Protocol):
    """Changes a sample, or adds to it; the ``target`` stays what the model shall make of it."""

    def identity(self) -> dict[str, Any]:
        """Return what decides the change, by a name of its own, as JSON would keep it."""

    def degrade(self, sample: TrainingSample, seed: int) -> TrainingSample:
        """Return the changed sample; the seed and the sample's index decide whatever is random."""


class DegradedScenes(Dataset[TrainingSample]):
    """Another data set's samples after ``degradations``, in their order. Deterministic per seed and index."""

    def __init__(self, scenes: Dataset[TrainingSample], degradations: Sequence[Degradation], seed: int):
        self._scenes = scenes
        self._degradations = degradations
        self._seed = seed

    def __getitem__(self, index: int) -> TrainingSample:
        """Return sample ``index``, degraded."""
        return degrade(self._scenes[index], self._degradations, self._seed)


def degrade(sample: TrainingSample, degradations: Sequence[Degradation], seed: int) -> TrainingSample:
    """Return a sample after ``degradations``, in their order."""
    for degradation in degradations:
        sample = degradation.degrade(sample, seed)
    return sample


def identity_of_scenes(settings: SynthesisSettings, degradations: Sequence[Degradation] = ()) -> dict[str, Any]:
    """Return everything that decides samples, to keep with them."""
    identity = dataclasses.asdict(settings)
    for degradation in degradations:
        identity |= degradation.identity()
    return identity
