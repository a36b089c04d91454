"""Scenes with poor pictures: each is made once, whatever is kept of it."""

import torch

from bokehbench.training.magicbokeh.latents import PoorScenes
from bokehbench.training.scenes.low_quality import LowQuality


def test_a_scene_is_made_once(scenes):
    made = []

    class Counted:
        def __getitem__(self, index):
            made.append(index)
            return scenes[index]

    sample = PoorScenes(Counted(), LowQuality(clean=0.0), "classical-occlusion", seed=0)[1]
    assert made == [1]
    assert torch.equal(sample["clean"], scenes[1]["image"])
    assert not torch.equal(sample["clean"], sample["image"])
