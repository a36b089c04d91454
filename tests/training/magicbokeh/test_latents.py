"""Scenes with poor pictures: each is made once, whatever is kept of it."""

import pytest
import torch

from bokehbench.training.magicbokeh.latents import TURNS, PoorScenes, turn
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


def test_scenes_are_flipped_and_turned_with_all_their_maps(scenes):
    sample = scenes[0]
    seen = [turn(sample, way) for way in range(TURNS)]
    assert all(torch.equal(seen[0][name], value) for name, value in sample.items())
    for one in range(TURNS):
        assert sum(torch.equal(seen[one]["image"], other["image"]) for other in seen) == 1
        both = torch.cat([sample["image"], sample["disparity"]])
        together = torch.cat([seen[one]["image"], seen[one]["disparity"]])
        assert any(
            torch.equal(torch.rot90(flipped, quarters, (1, 2)), together)
            for flipped in (both, both.flip(-1))
            for quarters in range(4)
        )
        assert torch.equal(seen[one]["blur_strength"], sample["blur_strength"])
    assert torch.equal(seen[1]["target"], sample["target"].flip(-1))
    assert torch.equal(seen[2]["target"], sample["target"].flip(-2))
    assert torch.equal(seen[4]["target"], sample["target"].mT)


@pytest.mark.parametrize("way", [1, 6])
def test_a_poor_picture_is_made_of_the_turned_scene(scenes, way):
    little = LowQuality(clean=0.0, two_rounds=0.0, factors=(1.2, 1.2))
    sample = PoorScenes(scenes, little, "classical-occlusion", 5, way)[1]
    assert torch.equal(sample["clean"], turn(scenes[1], way)["image"])
    assert torch.equal(sample["disparity"], turn(scenes[1], way)["disparity"])
    assert (sample["image"] - sample["clean"]).square().mean() < 0.01
    assert (sample["base"] - sample["target"]).square().mean() < 0.01
