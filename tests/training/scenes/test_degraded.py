"""Samples after degradations: reproducible, in their order, and nothing else about them changes."""

import dataclasses

import torch

from bokehbench.training.scenes.base_picture import BasePicture
from bokehbench.training.scenes.degraded import DegradedScenes, identity_of_scenes
from bokehbench.training.scenes.disparity_errors import DisparityErrors

ERRORS = DisparityErrors(share=1.0, erosion_share=1.0)


def test_errors_and_a_base_picture(scenes):
    degraded = DegradedScenes(scenes, [ERRORS, BasePicture("classical")], seed=3)
    sample, again, true = degraded[1], degraded[1], scenes[1]
    assert torch.equal(sample["disparity"], again["disparity"])
    assert torch.equal(sample["image"], true["image"])
    assert sample["base"].shape == (3, 32, 32)
    assert any(not torch.equal(degraded[i]["disparity"], scenes[i]["disparity"]) for i in range(4))
    assert torch.equal(DegradedScenes(scenes, [], seed=3)[1]["disparity"], true["disparity"])


def test_the_seed_decides(scenes):
    first, other = (DegradedScenes(scenes, [ERRORS], seed=seed) for seed in (3, 4))
    assert any(not torch.equal(first[i]["disparity"], other[i]["disparity"]) for i in range(4))


def test_each_degradation_sees_what_the_one_before_left(scenes):
    """The base is rendered from the wrong disparity; one of the user's own needs the two methods only."""

    class Halved:
        def identity(self):
            return {"halved": True}

        def degrade(self, sample, seed):
            small = {name: sample[name][:, ::2, ::2] for name in ("image", "disparity")}
            return {**sample, **small}

    sample = DegradedScenes(scenes, [Halved(), BasePicture("classical")], seed=0)[0]
    assert sample["image"].shape == sample["base"].shape == (3, 16, 16)
    assert sample["target"].shape == (3, 32, 32)
    before, after = ([Halved(), ERRORS], [ERRORS, Halved()])
    assert identity_of_scenes(scenes.settings, before) == identity_of_scenes(scenes.settings, after)


def test_identity_names_all_that_decides_samples(scenes):
    identity = identity_of_scenes(scenes.settings, [ERRORS, BasePicture("classical")])
    plain = dataclasses.asdict(scenes.settings)
    assert identity == plain | {"errors": dataclasses.asdict(ERRORS), "base": "classical"}
    assert identity_of_scenes(scenes.settings) == plain
