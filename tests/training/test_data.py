"""Scenes on disk, what is told of them, and which of them a step meets."""

import dataclasses

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.synthetic.training_scenes import SynthesisSettings, SyntheticScenes
from bokehbench.renderers.bokehdiff.models.compact import CompactSize, build_compact
from bokehbench.training.bokehdiff.latents import open_encoded
from bokehbench.training.engine.batches import StepSampler, make_loader
from bokehbench.training.engine.config import DataConfig, TrainingConfig
from bokehbench.training.scenes.degraded import ToldScenes, describe_scenes
from bokehbench.training.scenes.disparity_errors import DisparityErrors
from bokehbench.training.scenes.export_scenes import export_scenes
from bokehbench.training.scenes.open_scenes import open_scenes
from bokehbench.training.scenes.shards import SHARD, StoredScenes, store_scenes


@pytest.fixture
def scenes(settings):
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return SyntheticScenes(SynthesisSettings(**values))


def test_stored_scenes_come_back(scenes, tmp_path):
    store_scenes(scenes, 3, tmp_path, {"seed": 0})
    stored = StoredScenes(tmp_path, 3)
    assert len(stored) == 3
    for index in range(3):
        made, read = scenes[index], stored[index]
        assert made.keys() == read.keys()
        assert int(read["index"]) == index
        for name in ("image", "target"):
            assert torch.allclose(made[name], read[name], atol=0.5 / 255 + 1e-6)
        assert torch.allclose(made["disparity"], read["disparity"], atol=5e-4)
        assert read["focus_disparity"] == made["focus_disparity"]


def test_storing_goes_on_where_it_stopped(scenes, tmp_path):
    class Counted(torch.utils.data.Dataset):
        made = 0

        def __getitem__(self, index):
            Counted.made += 1
            return scenes[index % 3] | {"index": torch.tensor(index)}

    store_scenes(Counted(), SHARD, tmp_path, {"seed": 0})
    assert Counted.made == SHARD
    store_scenes(Counted(), 2 * SHARD, tmp_path, {"seed": 0})
    assert Counted.made == 2 * SHARD
    with pytest.raises(InvalidOptionError, match="other settings \\(seed\\)"):
        store_scenes(Counted(), SHARD, tmp_path, {"seed": 1})


def test_missing_and_damaged_scenes_are_named(scenes, tmp_path):
    with pytest.raises(MissingDataError, match="found none"):
        StoredScenes(tmp_path)
    store_scenes(scenes, 1, tmp_path, {})
    with pytest.raises(MissingDataError, match=rf"lacks scenes-{SHARD:06d}\.safetensors of {SHARD + 1} stored scenes"):
        StoredScenes(tmp_path, SHARD + 1)
    with pytest.raises(InvalidOptionError, match=r"other settings \(base\)"):
        StoredScenes(tmp_path, description={"base": "classical"})
    next(tmp_path.glob("scenes-*.safetensors")).write_bytes(b"torn")
    with pytest.raises(MissingDataError, match=r"scenes-000000\.safetensors"):
        StoredScenes(tmp_path)[0]


def test_a_missing_shard_shifts_no_scene(scenes, tmp_path):
    store_scenes(scenes, SHARD + 1, tmp_path, {})
    (tmp_path / "scenes-000000.safetensors").unlink()
    with pytest.raises(MissingDataError, match=r"lacks scenes-000000\.safetensors"):
        StoredScenes(tmp_path)


def test_stored_scenes_must_be_what_the_configuration_says(scenes, tmp_path):
    store_scenes(scenes, 1, tmp_path, describe_scenes(scenes.settings, None, None))
    data = {"scenes": scenes.settings, "stored": str(tmp_path), "count": 1, "crop_px": 32}
    config = TrainingConfig(stage="latent", output="out", data=DataConfig(**data))
    assert len(open_scenes(config, None)) == 1
    other = dataclasses.replace(scenes.settings, seed=99)
    for change, named in (({"scenes": other}, "seed"), ({"disparity": "robust"}, "errors")):
        config = TrainingConfig(stage="latent", output="out", data=DataConfig(**(data | change)))
        with pytest.raises(InvalidOptionError, match=rf"other settings \({named}\)"):
            open_scenes(config, None)


def test_what_is_told(scenes):
    told = ToldScenes(scenes, DisparityErrors(share=1.0, erosion_share=1.0), "classical", seed=3)
    sample, again, true = told[1], told[1], scenes[1]
    assert torch.equal(sample["disparity"], again["disparity"])
    assert torch.equal(sample["image"], true["image"])
    assert sample["base"].shape == (3, 32, 32)
    assert any(not torch.equal(told[i]["disparity"], scenes[i]["disparity"]) for i in range(4))
    assert torch.equal(ToldScenes(scenes, None, None, seed=3)[1]["disparity"], true["disparity"])


def test_latents_are_encoded_once(scenes, tmp_path, tiny, monkeypatch):
    store_scenes(scenes, 2, tmp_path, {})
    size = CompactSize(**{k: tuple(v) if isinstance(v, list) else v for k, v in tiny.items()})
    torch.manual_seed(0)
    pipeline = build_compact(size=size)
    encoded = open_encoded(pipeline, StoredScenes(tmp_path, 2), tmp_path, "no")
    expected = pipeline.encode(StoredScenes(tmp_path)[1]["target"][None])
    assert torch.allclose(encoded[1]["z_target"], expected[0], atol=2e-3)
    monkeypatch.setattr(pipeline, "encode", None)
    assert len(open_encoded(pipeline, StoredScenes(tmp_path, 2), tmp_path, "no")) == 2


def test_colours_are_stored_beside_latents(scenes, tmp_path, tiny):
    store_scenes(scenes, 2, tmp_path, {})
    size = CompactSize(**{k: tuple(v) if isinstance(v, list) else v for k, v in tiny.items()})
    plain, starting = build_compact(size=size), build_compact(size=size, output_form="blurred-colours")
    starting.vae.load_state_dict(plain.vae.state_dict())
    stored = StoredScenes(tmp_path, 2)
    assert "colours" not in open_encoded(plain, stored, tmp_path, "no")[0]
    encoded = open_encoded(starting, stored, tmp_path, "no")[1]  # the latents are there already
    colours = starting.token_colours(stored[1]["image"][None]).linear[0]
    torch.testing.assert_close(encoded["colours"], colours, rtol=1e-3, atol=1e-4)
    assert encoded["colours"].shape[1:] == encoded["z"].shape[1:]
    store_scenes(scenes, 1, tmp_path / "fewer", {})
    (colours_file,) = tmp_path.glob("colours-*.safetensors")
    open_encoded(starting, StoredScenes(tmp_path / "fewer", 1), tmp_path / "fewer", "no")
    (fewer,) = (tmp_path / "fewer").glob("colours-*.safetensors")
    fewer.replace(colours_file)
    with pytest.raises(InvalidOptionError, match="holds other scenes than latents-2-no-"):
        open_encoded(starting, stored, tmp_path, "no")


def test_a_step_meets_the_same_samples_however_it_is_reached():
    whole = list(StepSampler(10, 4, seed=1, first=0, last=9))
    assert list(StepSampler(10, 4, seed=1, first=5, last=9)) == whole[5:]
    for epoch in range(3):
        assert sorted(np.concatenate(whole)[10 * epoch : 10 * (epoch + 1)]) == list(range(10))
    assert np.concatenate(whole)[:10].tolist() != np.concatenate(whole)[10:20].tolist()


def test_processes_share_a_step():
    parts = [list(StepSampler(None, 2, seed=0, first=0, last=3, rank=rank, processes=2)) for rank in (0, 1)]
    assert sorted(np.concatenate([*parts[0], *parts[1]])) == list(range(12))


def test_workers_do_not_change_the_content(scenes):
    def first(workers):
        return next(iter(make_loader(scenes, StepSampler(None, 2, 0, 0, 1), workers)))

    alone, helped = first(0), first(1)
    assert all(torch.equal(alone[name], helped[name]) for name in alone)


def test_exported_scenes_are_a_data_set(scenes, tmp_path):
    export_scenes(scenes, 2, tmp_path)
    dataset = load_dataset("folder", tmp_path)
    dataset.prepare()
    assert len(dataset.scene_names()) == 2
    scene, sample = dataset.load(dataset.scene_names()[1]), scenes[1]
    assert torch.equal(scene.disparity, sample["disparity"])
    assert scene.blur_strength == pytest.approx(float(sample["blur_strength"]))
    assert torch.allclose(scene.target, sample["target"], atol=0.5 / 255 + 1e-6)
