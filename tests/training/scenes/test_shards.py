"""Scenes on disk come back, go on where storing stopped, and are named where they are missing or damaged."""

import pickle

import pytest
import torch
from safetensors.torch import load_file, save

from bokehbench.core.errors import DamagedDataError, InvalidOptionError, MissingDataError
from bokehbench.training.scenes import shards
from bokehbench.training.scenes.shards import StoredScenes, store_scenes


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

    store_scenes(Counted(), shards.SHARD, tmp_path, {"seed": 0})
    assert Counted.made == shards.SHARD
    store_scenes(Counted(), 2 * shards.SHARD, tmp_path, {"seed": 0})
    assert Counted.made == 2 * shards.SHARD
    with pytest.raises(InvalidOptionError, match="other settings \\(seed\\)"):
        store_scenes(Counted(), shards.SHARD, tmp_path, {"seed": 1})


def test_missing_and_damaged_scenes_are_named(scenes, tmp_path):
    with pytest.raises(MissingDataError, match="found none"):
        StoredScenes(tmp_path)
    store_scenes(scenes, 1, tmp_path, {})
    absent = rf"lacks scenes-{shards.SHARD:06d}\.safetensors of {shards.SHARD + 1} stored scenes"
    with pytest.raises(MissingDataError, match=absent):
        StoredScenes(tmp_path, shards.SHARD + 1)
    with pytest.raises(InvalidOptionError, match=r"other settings \(base\)"):
        StoredScenes(tmp_path, identity={"base": "classical"})
    next(tmp_path.glob("scenes-*.safetensors")).write_bytes(b"torn")
    with pytest.raises(MissingDataError, match=r"scenes-000000\.safetensors"):
        StoredScenes(tmp_path)[0]


def without_target(tensors):
    del tensors["target"]


def smaller(tensors):
    tensors["target"] = tensors["target"][..., :-1].clone()


def of_another_place(tensors):
    tensors["index"] += shards.SHARD


def of_another_type(tensors):
    tensors["disparity"] = tensors["disparity"].float()


@pytest.mark.parametrize("damage", [without_target, smaller, of_another_place, of_another_type, None])
def test_a_damaged_shard_is_named_and_stored_again(scenes, tmp_path, capsys, damage):
    store_scenes(scenes, 1, tmp_path, {})
    (path,) = tmp_path.glob("scenes-*.safetensors")
    content = path.read_bytes()
    if damage is None:
        path.write_bytes(content[:-10])
    else:
        tensors = load_file(path)
        damage(tensors)
        path.write_bytes(save(tensors))
    with pytest.raises(DamagedDataError, match=r"scenes-000000\.safetensors: damaged \(.*\): remove it") as caught:
        StoredScenes(tmp_path)[0]
    assert "\n" not in str(caught.value)
    store_scenes(scenes, 1, tmp_path, {})
    assert path.read_bytes() == content
    assert "scenes-000000.safetensors: damaged" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", "{", "3", "[" * 100_000])
def test_a_damaged_description_is_named(scenes, tmp_path, content):
    store_scenes(scenes, 1, tmp_path, {})
    (tmp_path / "scenes.json").write_text(content)
    with pytest.raises(DamagedDataError, match=r"scenes\.json: expected what decides the scenes.*: remove the folder"):
        StoredScenes(tmp_path, identity={})


def test_a_missing_shard_shifts_no_scene(scenes, tmp_path):
    store_scenes(scenes, shards.SHARD + 1, tmp_path, {})
    (tmp_path / "scenes-000000.safetensors").unlink()
    with pytest.raises(MissingDataError, match=r"lacks scenes-000000\.safetensors"):
        StoredScenes(tmp_path)


def test_what_workers_are_sent_reads_what_this_process_reads(scenes, tmp_path):
    """A worker of its own does so in ``bokehdiff/test_latents.py``."""
    store_scenes(scenes, 2, tmp_path, {})
    stored = StoredScenes(tmp_path, 2)
    read = stored[0]  # an open file cannot be sent to a worker
    sent = pickle.loads(pickle.dumps(stored))[0]  # noqa: S301 - our own
    assert sent.keys() == read.keys()
    assert all(torch.equal(sent[name], value) for name, value in read.items())
