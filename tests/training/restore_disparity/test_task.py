"""The network in training: maps get nearer to the true ones, a resumed run ends in the same weights."""

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
        return write_watched_run(folder, "restore-disparity/network", settings, 2.0e-3, model, **run)

    return write


def test_a_resumed_run_ends_in_the_same_weights_and_renders(tmp_path, configure, make_scene):
    whole = train(configure(tmp_path / "whole"))
    pieces = configure(tmp_path / "pieces", minutes=1e-6)
    while (result := train(pieces)) is None:
        pass
    first, second = (load_file(folder / "network.safetensors") for folder in (whole, result))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert load_renderer(f"classical+restore-disparity@{result}").render(make_scene()).shape == (3, 24, 32)


def test_maps_get_nearer_to_the_true_ones(tmp_path, configure):
    wrong = {"coarse": 1.0, "lost": 0.0, "blurred": 0.0, "clean": 1.0, "factors": [4.0, 4.0]}
    train(configure(tmp_path, {"wrong": wrong}, steps=40, validate_every=40))
    curve = [json.loads(line) for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 0.5


def test_it_goes_on_from_a_folder(tmp_path, configure):
    first = train(configure(tmp_path / "first"))
    again = configure(tmp_path / "again", {"start": str(first)}, steps=1, optimiser={"learning_rate": 1e-12})
    begun, ended = (load_file(folder / "network.safetensors") for folder in (first, train(again)))
    assert all(torch.allclose(begun[key], ended[key], atol=1e-6) for key in begun)
    with pytest.raises(InvalidOptionError, match="no such folder"):
        train(configure(tmp_path / "absent", {"start": str(tmp_path / "nowhere")}))


def test_scenes_that_are_wrong_already_are_refused(tmp_path, configure, settings):
    for name, value in (("disparity", "robust"), ("pictures", "poor")):
        data = {"scenes": settings, "crop_px": 32, name: value}
        with pytest.raises(InvalidOptionError, match=rf"model\.data\.{name}: .*model\.wrong makes wrong ones of them"):
            configure(tmp_path, {"data": data})
