"""Scenes as latents: encoded once, kept beside the scenes, read by any process."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.training.bokehdiff.latents import open_encoded
from bokehbench.training.engine.sampler import StepSampler, make_loader
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


def test_colours_are_stored_beside_latents(scenes, tmp_path, size):
    store_scenes(scenes, 2, tmp_path, {})
    plain, starting = (
        build_compact(size=size, output_form="residual"),
        build_compact(size=size, output_form="blurred-colours"),
    )
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


def test_workers_read_what_this_process_reads(scenes, tmp_path, size):
    store_scenes(scenes, 2, tmp_path, {})
    encoded = open_encoded(build_compact(size=size), StoredScenes(tmp_path, 2), tmp_path, "no")
    read = encoded[0]  # an open file cannot be sent to a worker
    (batch,) = make_loader(encoded, StepSampler(2, 2, 0, 0, 1), workers=1)
    (place,) = (batch["index"] == 0).nonzero()[0]
    assert all(torch.equal(batch[name][place], value) for name, value in read.items())
