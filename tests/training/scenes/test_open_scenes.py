"""From a configuration to its samples, and to those that are only validated on."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.engine.sampler import StepSampler, make_loader
from bokehbench.training.scenes.config import DataConfig
from bokehbench.training.scenes.degraded import identity_of_scenes
from bokehbench.training.scenes.open_scenes import open_scenes, open_validation
from bokehbench.training.scenes.shards import store_scenes


def test_stored_scenes_must_be_what_the_configuration_says(scenes, tmp_path):
    store_scenes(scenes, 1, tmp_path, identity_of_scenes(scenes.settings))
    data = {"scenes": scenes.settings, "stored": str(tmp_path), "count": 1, "crop_px": 32}
    assert len(open_scenes(DataConfig(**data), None)) == 1
    other = dataclasses.replace(scenes.settings, seed=99)
    changes = (({"scenes": other}, "seed"), ({"disparity": "robust"}, "errors"), ({"pictures": "poor"}, "low_quality"))
    for change, named in changes:
        with pytest.raises(InvalidOptionError, match=rf"other settings \({named}\)"):
            open_scenes(DataConfig(**(data | change)), None)
    with pytest.raises(InvalidOptionError, match=r"other settings \(base\)"):
        open_scenes(DataConfig(**data), "classical")


def test_scenes_on_the_fly_are_degraded_as_the_configuration_says(scenes):
    data = DataConfig(scenes=scenes.settings, crop_px=32)
    plain = open_scenes(data, None)
    robust = open_scenes(dataclasses.replace(data, disparity="robust"), "classical")
    assert all(torch.equal(plain[1][name], value) for name, value in scenes[1].items())
    assert robust[1].keys() - plain[1].keys() == {"base"}
    assert any(not torch.equal(robust[i]["disparity"], scenes[i]["disparity"]) for i in range(6))


def test_validation_has_the_true_disparity_and_the_base(scenes):
    sample = open_validation(scenes.settings, "classical")[1]
    assert torch.equal(sample["disparity"], scenes[1]["disparity"])
    assert sample["base"].shape == sample["image"].shape


def test_poor_pictures_have_the_clean_ones_target_and_their_own_base(scenes):
    data = DataConfig(scenes=scenes.settings, crop_px=32, pictures="poor")
    trained, watched = open_scenes(data, "classical"), open_validation(scenes.settings, "classical", "poor")
    for i in range(6):
        assert torch.equal(trained[i]["target"], scenes[i]["target"])
        assert torch.equal(trained[i]["disparity"], scenes[i]["disparity"])
        assert torch.equal(trained[i]["base"], watched[i]["base"])
    assert any(not torch.equal(trained[i]["image"], scenes[i]["image"]) for i in range(6))


def test_workers_do_not_change_the_content(scenes):
    def first(workers):
        return next(iter(make_loader(scenes, StepSampler(None, 2, 0, 0, 1), workers)))

    alone, helped = first(0), first(1)
    assert all(torch.equal(alone[name], helped[name]) for name in alone)
