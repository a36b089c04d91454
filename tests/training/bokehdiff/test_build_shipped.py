"""The training of five minutes: all that it needs is installed, and a step of it makes a model that renders."""

import dataclasses
from pathlib import Path

import pytest
import torch

from bokehbench.core.errors import MissingDataError
from bokehbench.datasets.synthetic.training_pictures import PACKAGED_NAMES, PhotographSource
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.registry import load_renderer
from bokehbench.training.bokehdiff import config as module
from bokehbench.training.bokehdiff.digests import digest_encoder, digest_module
from bokehbench.training.engine.config import read_config
from bokehbench.training.engine.loop import train

FIVE_MINUTES = Path(module.__file__).with_name("configs") / "five-minutes.yaml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The result of one step on smaller scenes."""
    run = read_config(FIVE_MINUTES)
    scenes = dataclasses.replace(run.model.data.scenes, painted=1, size_px=48, lens_samples=16)
    data = dataclasses.replace(run.model.data, scenes=scenes, validation=None, crop_px=32)
    model = dataclasses.replace(run.model, data=data)
    output = str(tmp_path_factory.mktemp("five") / "minutes")
    return train(dataclasses.replace(run, model=model, output=output, steps=1, batch=1))


def test_the_result_renders_with_the_shipped_autoencoder_and_colours(trained, make_scene):
    mine, shipped = (load_checkpoint("bokehdiff", folder, torch.float32).pipeline for folder in (str(trained), None))
    assert digest_encoder(mine.vae) == digest_encoder(shipped.vae)
    assert digest_module(mine.colour_encoder) == digest_module(shipped.colour_encoder)
    picture = load_renderer(f"bokehdiff@{trained}").render(make_scene(32, 32))
    assert bool(torch.isfinite(picture).all())


def test_packaged_photographs_stand_in_for_a_folder():
    assert len(PhotographSource(["packaged"])._files) == len(PACKAGED_NAMES)
    with pytest.raises(MissingDataError, match="no-such-folder"):
        PhotographSource(["packaged", "no-such-folder"])
