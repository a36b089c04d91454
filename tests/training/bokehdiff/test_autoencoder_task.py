"""The compact model's autoencoder: starts well, learns, goes on exactly."""

import json

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import train

from ..runs import assert_same, weights, write_config


def test_it_starts_well_and_learns(tmp_path, settings):
    model = train(read_config(write_config(tmp_path, settings, "autoencoder", steps=40, batch=4, validate_every=20)))
    curve = [json.loads(line)["psnr"] for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert curve[-1] > 25.0  # four components of noise blown up to photographs: near 20 from a default start
    assert curve[-1] > curve[0]
    assert (model / "training.json").is_file()


def test_crops_fit_the_folding(tmp_path, settings):
    with pytest.raises(InvalidOptionError, match=r"model\.data\.crop_px: expected a multiple of 4, got 30"):
        train(read_config(write_config(tmp_path, settings, "autoencoder", data={"crop_px": 30})))


def test_a_resumed_run_ends_in_the_same_weights(tmp_path, settings):
    whole = train(read_config(write_config(tmp_path / "whole", settings, "autoencoder", steps=3)))
    config = read_config(write_config(tmp_path / "pieces", settings, "autoencoder", steps=3, minutes=1e-6))
    while (pieces := train(config)) is None:
        pass
    assert_same(weights(whole), weights(pieces))
