"""BokehMe's networks in training: the loss falls, a resumed run ends in the same weights, the result renders."""

import json

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.engine.loop import train

from ..tiny_runs import write_watched_run


@pytest.fixture
def configure(settings):
    """Write a configuration of a tiny training and read it."""

    def write(folder, model=None, **run):
        return write_watched_run(folder, "bokehme/networks", settings, 1.0e-3, model, **run)

    return write


def test_a_resumed_run_ends_in_the_same_weights_and_renders(tmp_path, configure, make_scene):
    whole = train(configure(tmp_path / "whole"))
    pieces = configure(tmp_path / "pieces", minutes=1e-6)
    while (result := train(pieces)) is None:
        pass
    for name in ("arnet", "iunet"):
        first, second = (load_file(folder / f"{name}.safetensors") for folder in (whole, result))
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert load_renderer(f"bokehme@{result}").render(make_scene()).shape == (3, 24, 32)


def test_the_picture_gets_better(tmp_path, configure):
    train(configure(tmp_path, steps=16, validate_every=16))
    curve = [json.loads(line) for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 3.0


def test_it_goes_on_from_a_folder_of_networks(tmp_path, configure):
    first = train(configure(tmp_path / "first", steps=1))
    again = configure(tmp_path / "again", {"start": str(first)}, steps=1, optimiser={"learning_rate": 1e-12})
    begun, ended = (load_file(folder / "arnet.safetensors") for folder in (first, train(again)))
    assert all(torch.allclose(begun[key], ended[key], atol=1e-6) for key in begun)
    with pytest.raises(InvalidOptionError, match="no such folder"):
        train(configure(tmp_path / "absent", {"start": str(tmp_path / "nowhere")}))
