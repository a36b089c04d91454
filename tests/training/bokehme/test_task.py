"""BokehMe's networks in training: the loss falls, a resumed run ends in the same weights, the result renders."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import train


@pytest.fixture
def configure(settings):
    """Write a configuration of a tiny training and read it."""

    def write(folder, model=None, **run):
        folder.mkdir(exist_ok=True)
        data = {"scenes": settings, "crop_px": 32, "validation": settings | {"seed": 9}}
        values = {
            "task": "bokehme/networks",
            "output": str(folder / "run"),
            "steps": 3,
            "batch": 2,
            "optimiser": {"method": "muon", "learning_rate": 1.0e-3, "warmup": 1},
            "validate_every": 100,
            "validation_count": 2,
            "model": {"data": data, **(model or {})},
        }
        path = folder / "config.yaml"
        path.write_text(yaml.safe_dump(values | run), encoding="utf-8")
        return read_config(path)

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
