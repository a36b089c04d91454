"""Scenes as latents: encoded once, kept beside the scenes, read by any process."""

import pytest
import torch
from safetensors.torch import load_file, save

from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.training.bokehdiff.latents import open_encoded
from bokehbench.training.engine.sampler import StepSampler, make_loader
from bokehbench.training.scenes import shards
from bokehbench.training.scenes.shards import StoredScenes, store_scenes


def test_latents_are_encoded_once(scenes, tmp_path, size, monkeypatch):
    store_scenes(scenes, 2, tmp_path, {})
    torch.manual_seed(0)
    pipeline = build_compact(size=size)
    encoded = open_encoded(pipeline, StoredScenes(tmp_path, 2), tmp_path, "no")
    expected = pipeline.encode(StoredScenes(tmp_path)[1]["target"][None])
    assert torch.allclose(encoded[1]["z_target"], expected[0], atol=2e-3)
    monkeypatch.setattr(pipeline, "encode", None)
    assert len(open_encoded(pipeline, StoredScenes(tmp_path, 2), tmp_path, "no")) == 2


def test_blurred_colours_are_given_the_pictures(scenes, tmp_path, size):
    store_scenes(scenes, 2, tmp_path, {})
    plain, starting = (
        build_compact(size=size, output_form="residual"),
        build_compact(size=size, output_form="blurred-colours"),
    )
    starting.vae.load_state_dict(plain.vae.state_dict())
    stored = StoredScenes(tmp_path, 2)
    assert "image" not in open_encoded(plain, stored, tmp_path, "no")[0]
    encoded = open_encoded(starting, stored, tmp_path, "no")[1]  # the latents are there already
    assert torch.equal(encoded["image"], stored[1]["image"])


@pytest.fixture
def encoded(scenes, tmp_path, size):
    """Stored scenes, a pipeline and a function that opens its latents of them."""
    store_scenes(scenes, 2, tmp_path, {})
    torch.manual_seed(0)
    pipeline = build_compact(size=size, output_form="blurred-colours")
    return lambda: open_encoded(pipeline, StoredScenes(tmp_path, 2), tmp_path, "no")


def torn(path):
    path.write_bytes(path.read_bytes()[:-10])


def foreign(path):
    path.write_bytes(save({"weight": torch.zeros(3)}))


def fewer(path):
    path.write_bytes(save({name: value[:1].clone() for name, value in load_file(path).items()}))


def moved(path):
    tensors = load_file(path)
    path.write_bytes(save(tensors | {"index": tensors["index"] + 1}))


@pytest.mark.parametrize("damage", [torn, foreign, fewer, moved])
def test_what_is_damaged_is_made_again(encoded, tmp_path, capsys, damage):
    sample = {name: value.clone() for name, value in encoded()[1].items()}  # the open file is written to below
    (path,) = tmp_path.glob("latents-*.safetensors")
    content = path.read_bytes()
    damage(path)
    again = encoded()[1]
    assert f"{path}: " in capsys.readouterr().err
    assert path.read_bytes() == content
    assert all(torch.equal(again[name], value) for name, value in sample.items())


def test_workers_read_what_this_process_reads(scenes, tmp_path, size, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 50)  # as the worker has it
    store_scenes(scenes, 2, tmp_path, {})
    encoded = open_encoded(build_compact(size=size), StoredScenes(tmp_path, 2), tmp_path, "no")
    read = encoded[0]  # an open file cannot be sent to a worker
    (batch,) = make_loader(encoded, StepSampler(2, 2, 0, 0, 1), workers=1)
    (place,) = (batch["index"] == 0).nonzero()[0]
    assert all(torch.equal(batch[name][place], value) for name, value in read.items())
