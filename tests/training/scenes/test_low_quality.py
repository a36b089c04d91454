"""Samples with a poor picture: reproducible, the target untouched, shares as the settings say."""

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.scenes.degraded import DegradedScenes
from bokehbench.training.scenes.low_quality import LowQuality


def test_only_the_picture_changes_and_the_same_way_each_time(scenes):
    poor = DegradedScenes(scenes, [LowQuality(clean=0.0)], seed=1)
    sample, again, clean = poor[2], poor[2], scenes[2]
    assert torch.equal(sample["image"], again["image"])
    assert not torch.equal(sample["image"], clean["image"])
    assert sample["image"].shape == clean["image"].shape
    assert all(torch.equal(sample[name], clean[name]) for name in clean.keys() - {"image"})
    assert not torch.equal(DegradedScenes(scenes, [LowQuality(clean=0.0)], seed=2)[2]["image"], sample["image"])


def test_shares_and_factors_are_those_of_the_settings():
    picture = np.random.default_rng(0).random((32, 32, 3), np.float32)
    rng = np.random.default_rng(1)
    assert LowQuality(clean=1.0, two_rounds=0.0).apply(picture, rng) is picture
    barely, strongly = (
        LowQuality(clean=0.0, two_rounds=0.0, factors=(factor, factor)).apply(picture, rng) for factor in (1.2, 8.0)
    )
    assert float(np.square(barely - picture).mean()) < float(np.square(strongly - picture).mean())
    with pytest.raises(InvalidOptionError, match=r"low_quality\.two_rounds: expected at most 1 with clean"):
        LowQuality(clean=0.6, two_rounds=0.5)
